# The data set: made, or verified where it stands already. The folder itself is not declared, so
# nothing that Snakemake does can delete it.
from workflow.data.catalogue import COCO_FOLDER

# Where a copy of COCO 2017 lies, for suites that need it: `coco_root:` in config.yaml, or what
# `snakemake coco` fetched.
COCO_ROOT = CALL.coco_root or DATA / COCO_FOLDER


rule data:
    output:
        touch(READY),
    log:
        RUNS.parent / "logs" / f"{READY.stem}.log",
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        **PLACE,
        mem_mb=6000,
        runtime=at_most(240),
    shell:
        f"{PYTHON} -m workflow.data.make {NAME} {LIES} "
        f"--coco-root {quoted(COCO_ROOT)} > {{log:q}} 2>&1"


# 20 GB, so only when asked for: nothing depends on it. Interrupted, it goes on where it was.
rule coco:
    output:
        touch(DATA / f"{COCO_FOLDER}.ready"),
    log:
        LOGS / "coco.log",
    localrule: True
    conda:
        "../../environment.yml"
    shell:
        f"{PYTHON} -m workflow.data.fetch_coco {LIES} 2>&1 | tee {{log:q}}"
