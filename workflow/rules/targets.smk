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
        f"--devices {config.get('devices', workflow.cores or 1)}",
        *(f"--{key} {config[key]}" for key in ("price", "speed") if key in config),
    ]
)


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
            f"{PYTHON} -m workflow.verdict {ASK} --scope {{params.scope}} 2>&1 | tee {{log:q}}"


rule forecast:
    log:
        OUT / "logs" / "forecast.log",
    localrule: True
    conda:
        "../../environment.yml"
    shell:
        f"{PYTHON} -m workflow.forecast {ASK} {FORECAST_OPTIONS} 2>&1 | tee {{log:q}}"


rule status:
    log:
        OUT / "logs" / "status.log",
    localrule: True
    conda:
        "../../environment.yml"
    shell:
        f"{PYTHON} -m workflow.status {ASK} 2>&1 | tee {{log:q}}"
