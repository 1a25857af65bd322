# The table of contents. A suite says what is wanted (`--config suite=mini`); everything else
# follows from it. A bare `snakemake` runs the demo. docs/suites.md and docs/cluster.md say more.
from snakemake.utils import min_version

min_version("9.0")


if Path("config.yaml").is_file():

    # Of this machine: where COCO lies, partition and account, GPUs. See docs/cluster.md.
    configfile: "config.yaml"


include: "workflow/rules/suite.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/runs.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/targets.smk"


onstart:
    if CALL.table is not None and not {"forecast", "rehearse"} & targets_of_call():
        # Whoever writes it before `all` means one table, and would train the whole suite.
        print(
            f"error: {written('table')}: only `forecast` and `rehearse` are of one table by this"
            f" key; to train and show that one, ask for the target `table_{CALL.table}`",
            file=sys.stderr,
        )
        sys.exit(2)
    absent = [] if CALL.partial else absent_files(SUITE, targets_of_call(), RUNS)
    if absent:
        print("\n".join(f"error: {line}" for line in absent), file=sys.stderr)
        sys.exit(2)
    if workflow.executor_plugin.name == "slurm":
        # The executor is not known before, and nobody sends the demo to a cluster unasked.
        if not CALL.names_a_suite:
            print(
                "error: suite: no suite is named, and this profile has no `default_suite`;"
                f" allowed: {', '.join(names())}, or a file of your own (--config suite=coco)",
                file=sys.stderr,
            )
            sys.exit(2)
        problem = None if CALL.account is None else refusal(CALL.account)
        if problem is not None:
            print(f"error: account: {problem}", file=sys.stderr)
            sys.exit(2)
        earlier = queued(runs_of_call(), Path(workflow.workdir_init))
        if earlier:
            print(f"error: {told(earlier)}", file=sys.stderr)
            sys.exit(2)


onerror:
    for complaint in complaints([LOGS, OUT / "logs", *logs_of_slurm()], STARTED):
        print(complaint, file=sys.stderr)


# Tables, figures and the report of the suite, and a list of what failed. The other targets
# (teachers, students, tables, figures, report, table_<name>, figure_<name>, rehearse, forecast,
# status) stand in workflow/rules/targets.smk.
rule all:
    default_target: True
    input:
        outcomes(SCOPES["all"]),
        PRODUCTS["all"],
    log:
        OUT / "logs" / "all.log",
    localrule: True
    conda:
        "environment.yml"
    shell:
        f"{VERDICT} --scope all 2>&1 | tee {{log:q}}"
