# The data set: made, or verified where it stands already. The folder itself is not declared, so
# nothing that Snakemake does can delete it.


rule data:
    output:
        touch(READY),
    log:
        RUNS.parent / "logs" / f"{READY.stem}.log",
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=240,
    shell:
        f"{PYTHON} -m workflow.data.make --suite {SUITE.asked} --data {DATA} > {{log}} 2>&1"
