# What can be asked for. Each target ends in a verdict: everything that could be made is made first,
# then the call fails with a list if runs were given up.
TABLES = {name: [OUT / "tables" / f"{name}.html"] for name in SUITE.tables}
FIGURES = {name: [OUT / "figures" / f"{name}.png"] for name in SUITE.figures}
PRODUCTS = {
    "all": [OUT / "report.html"],
    "teachers": [],
    "students": [],
    "tables": sum(TABLES.values(), [OUT / "records.csv", OUT / "statistics.json"]),
    "figures": sum(FIGURES.values(), []),
    "report": [OUT / "report.html"],
    **{f"table_{name}": files for name, files in TABLES.items()},
    **{f"figure_{name}": files for name, files in FIGURES.items()},
}


FORECAST_OPTIONS = " ".join(
    [
        f"--gpus-per-run {GPUS}",
        f"--devices {CALL.devices or workflow.cores or 1}",
        *(
            f"--{key} {quoted(value)}"
            for key, value in CALL
            if key in ("table", "price", "speed") and value is not None
        ),
    ]
)


TABLE = "" if CALL.table is None else f"--table {quoted(CALL.table)}"


for target in PRODUCTS.keys() - {"all"}:

    rule:
        name:
            target
        input:
            outcomes(SCOPES[target]),
            PRODUCTS[target],
        log:
            OUT / "logs" / f"{target}.log",
        localrule: True
        conda:
            "../../environment.yml"
        params:
            scope=target,
        shell:
            f"{VERDICT} --scope {{params.scope}} 2>&1 | tee {{log:q}}"


# What is asked for to be read may be read by `head`, which has seen enough before it is all written.
SHOW = "cat {log:q} || true"


rule forecast:
    log:
        OUT / "logs" / "forecast.log",
    localrule: True
    conda:
        "../../environment.yml"
    shell:
        f"{PYTHON} -m workflow.forecast {ASK} {FORECAST_OPTIONS} > {{log:q}} 2>&1; {SHOW}"


# One step of every kind of training: minutes on a head node or a laptop, no data, no weights.
rule rehearse:
    log:
        OUT / "logs" / "rehearse.log",
    localrule: True
    conda:
        "../../environment.yml"
    shell:
        f"{PYTHON} -m workflow.rehearse {NAME} {LIES} {TABLE} 2>&1 | tee {{log:q}}"


rule status:
    log:
        OUT / "logs" / "status.log",
    localrule: True
    conda:
        "../../environment.yml"
    shell:
        f"{PYTHON} -m workflow.status {ASK} > {{log:q}} 2>&1; {SHOW}"
