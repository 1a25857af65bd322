# The suite, read once per Snakemake process, and the look-ups that the rules need. No rule here.
import hashlib
import shlex
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, workflow.basedir)

from workflow.account import refusal
from workflow.complaints import complaints
from workflow.costs import devices
from workflow.data.catalogue import folder_name
from workflow.forecast import Forecast
from workflow.judged import REPORTED, judged_already
from workflow.outcome import without_weights
from workflow.scopes import scopes
from workflow.suite import SuiteError, load

STARTED = time.time()
if not workflow.is_main_process:
    # Slurm warns before a time limit. The training saves then; the snakemake above it must wait.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)

try:
    SUITE = load(str(config.get("suite", "demo")))
except SuiteError as error:
    print(error, file=sys.stderr)
    sys.exit(2)

RESULTS = Path(config.get("results", "results"))
RUNS = RESULTS / "runs"
LOGS = RESULTS / "logs"
OUT = RESULTS / "suites" / SUITE.name
DATA = Path(config.get("data", "data"))
READY = DATA / f"{folder_name(SUITE.data)}.ready"
# What stands now is enough: `--config partial=true tables` does not wait for the other runs.
PARTIAL = str(config.get("partial", "false")).lower() in ("true", "1", "yes")
GPUS = int(config.get("gpus", SUITE.resources.gpus))
THREADS = int(config.get("threads", SUITE.resources.threads))
FORECAST = Forecast(SUITE, RUNS, gpus=GPUS)
ATTEMPTS = int(config.get("attempts", 3))
# Of Slurm's world; without these keys the cluster's own defaults hold.
PLACE = {
    f"slurm_{key}": config[key] for key in ("partition", "account") if key in config
}
RUN = "{data}/{group}/{row}/{seed}"
SCOPES = scopes(SUITE)
ATTENDED = set(SUITE.attended())
JUDGED = {id: SUITE.judged(run) for id, run in SUITE.by_id.items()}
NEEDS = {
    id: [f"{RUNS}/{needed.id}/outcome.json" for needed in run.dependencies()]
    for id, run in SUITE.by_id.items()
}


def outcomes(ids):
    paths = [f"{RUNS}/{id}/outcome.json" for id in ids]
    return [path for path in paths if Path(path).is_file()] if PARTIAL else paths


def id_of(wildcards):
    return RUN.format(**wildcards)


def beside(wildcards):
    """What is wanted beside the weights: whether attention, and figures on which splits. What was
    kept before stays wanted, so that suites which differ in this do not ask for each other's runs
    again and again. The reported split goes without saying."""
    id = id_of(wildcards)
    attended = id in ATTENDED or kept_attention(id)
    splits = {*JUDGED.get(id, ()), *judged_already(RUNS / id)}
    return attended if splits <= {REPORTED} else [attended, *sorted(splits)]


def kept_attention(id):
    return (RUNS / id / "attention.npz").is_file()


def gpus(wildcards):
    run = SUITE.by_id.get(id_of(wildcards))
    return GPUS if run is None else devices(run, GPUS)


def gres(wildcards):
    return f"gpu:{gpus(wildcards)}" if GPUS else ""


def needs(wildcards):
    """What a run needs can be newer, but never different, so it is no reason to do the run again.
    Snakemake then overlooks that more is wanted of a run, if more is wanted of its teacher too.
    """
    id = id_of(wildcards)
    if without_weights(RUNS, id):
        # Restored: nothing more can be made of it, whatever becomes of its teacher.
        return []
    paths = [READY, *NEEDS.get(id, ())]
    attended = kept_attention(id) or id not in ATTENDED
    complete = attended and {*JUDGED.get(id, ())} <= {*judged_already(RUNS / id)}
    return [ancient(path) for path in paths] if complete else paths


def minutes(wildcards, attempt):
    wanted = FORECAST.limit_minutes(id_of(wildcards), attempt)
    return int(min(wanted, 60 * float(config.get("max_hours", "inf"))))


# Paths and names are put into the commands beforehand: as parameters they would be reasons to do
# everything again.
PYTHON = "python" if workflow.deployment_settings.deployment_method else sys.executable
NAME = f"--suite {shlex.quote(SUITE.asked)}"
ASK = f"{NAME} --runs {shlex.quote(str(RUNS))}"
LIES = f"--data {shlex.quote(str(DATA))}"
WHERE = f"--suite-dir {shlex.quote(str(OUT))} --runs {shlex.quote(str(RUNS))}"
