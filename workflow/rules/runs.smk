# One job carries out one run, from its training to its metrics: importing the detectors costs
# seconds, and what a run leaves in its folder is not declared, so a retry resumes. The one declared
# file says how the run ended. A run's id holds the hash of all that can change its result, so the
# id is the parameter, beside what else is wanted of it: attention maps, figures on another split
# (they are added without training).


wildcard_constraints:
    data="[^/]+",
    group="[^/]+",
    row="[^/]+",
    seed="seed[0-9]+-[0-9a-f]{10}",


rule teacher:
    input:
        needs,
    output:
        RUNS / RUN / "outcome.json",
    log:
        LOGS / f"{RUN}.log",
    wildcard_constraints:
        row="teacher|classifier",
    priority: 10
    # Tried again as a job of its own, never by the snakemake that stands inside a cluster's job:
    # that would go on in a job whose time is over.
    retries: CALL.attempts - 1 if workflow.is_main_process else 0
    conda:
        "../../environment.yml"
    threads: THREADS
    resources:
        **PLACE,
        mem_mb=int(MEMORY_GB * 1000),
        runtime=minutes,
        device=gpus,
        gres=gres,
        attempt=lambda wildcards, attempt: attempt,
    params:
        run=id_of,
        beside=beside,
    shell:
        # Slurm tells every process of a job to end; the shell and `tee` must outlive that, or it
        # kills the training while it saves. What the program says is one line for each run, so it
        # is shown too.
        "trap '' TERM USR1; "
        f"{PYTHON} -m workflow.carry_out {ASK} {LIES} --attempts {CALL.attempts}"
        " --run {params.run} --attempt {resources.attempt}"
        " --threads {threads} --gpus {resources.device} 2>&1 | tee {log:q} >&2"


use rule teacher as student with:
    wildcard_constraints:
        row="(?!(teacher|classifier)/)[^/]+",
    priority: 0
