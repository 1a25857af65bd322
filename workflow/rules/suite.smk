# The suite, read once per Snakemake process, and the look-ups that the rules need. No rule here.
import shlex
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, workflow.basedir)

from snakemake.settings.enums import Quietness

from workflow.account import refusal
from workflow.command import UserError
from workflow.complaints import complaints
from workflow.costs import devices
from workflow.data.catalogue import folder_name
from workflow.forecast import Forecast, of_table
from workflow.judged import REPORTED, judged_already
from workflow.outcome import without_weights
from workflow.plan import plan_hash
from workflow.queued import queued, told
from workflow.scopes import absent_files, scopes
from workflow.settings_of_call import settings_of_call
from workflow.suite import SuiteError, load, names

STARTED = time.time()
if not workflow.is_main_process:
    # Slurm warns before a time limit. The training saves then; the snakemake above it must wait.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def written(key):
    """Where a wrong setting stands, for the message."""
    if key in workflow.config_settings.config:
        return f"--config {key}"
    if key in workflow.config_settings.overwrite_config:
        return f"{' or '.join(map(str, workflow.config_settings.configfiles))}: {key}"
    return f"config.yaml: {key}"


try:
    CALL = settings_of_call(config, {key: written(key) for key in config})
    SUITE = load(CALL.asked)
    if CALL.table is not None:
        of_table(SUITE, CALL.table)
except SuiteError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
except UserError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

if workflow.is_main_process and Quietness.ALL not in (
    workflow.output_settings.quiet or ()
):
    print(f"suite: {SUITE.name}, {len(SUITE.runs)} runs", file=sys.stderr)

RESULTS = CALL.results
RUNS = RESULTS / "runs"
LOGS = RESULTS / "logs"
OUT = RESULTS / "suites" / SUITE.name
DATA = CALL.data
READY = DATA / f"{folder_name(SUITE.data)}.ready"
GPUS = SUITE.resources.gpus if CALL.gpus is None else CALL.gpus
THREADS = CALL.threads or SUITE.resources.threads
MEMORY_GB = CALL.memory_gb or SUITE.resources.memory_gb
FORECAST = Forecast(SUITE, RUNS, gpus=GPUS, speed=CALL.speed)
# Of Slurm's world; without these keys the cluster's own defaults hold.
PLACE = {
    f"slurm_{key}": value
    for key, value in (("partition", CALL.partition), ("account", CALL.account))
    if value is not None
}
RUN = "{data}/{group}/{row}/{seed}"
SCOPES = scopes(SUITE)
ATTENDED = set(SUITE.attended())
JUDGED = {id: SUITE.judged(run) for id, run in SUITE.by_id.items()}
NEEDS = {
    id: [f"{RUNS}/{needed.id}/outcome.json" for needed in run.dependencies()]
    for id, run in SUITE.by_id.items()
}


def targets_of_call():
    """What stands before `--config`; known once a call is carried out, not while this is read."""
    return set(workflow.dag_settings.targets)


def runs_of_call():
    """The runs that jobs of this call would carry out; known as late."""
    jobs = workflow.dag.needrun_jobs()
    return [
        id_of(job.wildcards) for job in jobs if job.rule.name in {"teacher", "student"}
    ]


def logs_of_slurm():
    """Where Slurm's own words about a job go; `results` of config.yaml does not move them."""
    if workflow.executor_plugin.name != "slurm":
        return []
    return [Path(workflow.executor_settings.logdir or ".snakemake/slurm_logs")]


def outcomes(ids):
    paths = [f"{RUNS}/{id}/outcome.json" for id in ids]
    return [path for path in paths if Path(path).is_file()] if CALL.partial else paths


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
    return at_most(FORECAST.limit_minutes(id_of(wildcards), attempt))


def at_most(wanted):
    """Minutes, no more than the partition takes: it would refuse the job."""
    longest = wanted if CALL.max_hours is None else max(1, int(60 * CALL.max_hours))
    return min(wanted, longest)


def quoted(value):
    """For the shell, behind Snakemake's own formatting of a command."""
    return shlex.quote(str(value)).replace("{", "{{").replace("}", "}}")


# Paths and names are put into the commands beforehand: as parameters they would be reasons to do
# everything again.
DEPLOYED = workflow.deployment_settings.deployment_method
PYTHON = quoted("python" if DEPLOYED else sys.executable)
NAME = f"--suite {quoted(SUITE.asked)}"
ASK = f"{NAME} --runs {quoted(RUNS)}"
LIES = f"--data {quoted(DATA)}"
VERDICT = f"{PYTHON} -m workflow.verdict {ASK}" + (" --partial" if CALL.partial else "")
WHERE = f"--suite-dir {quoted(OUT)} --runs {quoted(RUNS)}"
