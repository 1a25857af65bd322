# From run folders to tables, figures and the report: seconds each, no torch. Whoever changes the
# analysis gets new tables without being asked.
ANALYSIS = sorted(
    path
    for path in Path(workflow.basedir, "analysis").glob("**/*")
    if path.suffix in {".py", ".css", ".js", ".jinja"}
) + sorted(Path(workflow.basedir, "results", "published").glob("*.csv"))


rule plan:
    input:
        SUITE.source,
    output:
        OUT / "plan.json",
    log:
        OUT / "logs" / "plan.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        # The file may extend others, and take printed numbers from a table: what counts is what
        # they come to. A function, so that jobs which make no plan do not work it out.
        content=lambda _: plan_hash(SUITE),
    shell:
        # Whoever draws reads the plan by itself; what it would refuse is known before it draws.
        f"( {PYTHON} -m workflow.plan {NAME} --out {{output:q}} && "
        f"{PYTHON} -m analysis.figures --check {WHERE} ) > {{log:q}} 2>&1"


rule records:
    input:
        ANALYSIS,
        outcomes(SCOPES["all"]),
        plan=OUT / "plan.json",
    output:
        OUT / "records.csv",
    log:
        OUT / "logs" / "records.log",
    localrule: True
    conda:
        "../../environment.yml"
    shell:
        f"{PYTHON} -m analysis.records {WHERE} > {{log:q}} 2>&1"


rule statistics:
    input:
        ANALYSIS,
        outcomes(SCOPES["tables"]),
        plan=OUT / "plan.json",
    output:
        OUT / "statistics.json",
    log:
        OUT / "logs" / "statistics.log",
    localrule: True
    conda:
        "../../environment.yml"
    shell:
        f"{PYTHON} -m analysis.statistics {WHERE} {LIES} > {{log:q}} 2>&1"


rule table:
    input:
        ANALYSIS,
        lambda wildcards: outcomes(SCOPES[f"table_{wildcards.table}"]),
        plan=OUT / "plan.json",
    output:
        multiext(str(OUT / "tables" / "{table}"), ".md", ".tex", ".csv"),
        report(OUT / "tables" / "{table}.html", category="Tables"),
    log:
        OUT / "logs" / "table-{table}.log",
    localrule: True
    conda:
        "../../environment.yml"
    shell:
        f"{PYTHON} -m analysis.tables {WHERE} {LIES}"
        " --table {wildcards.table} > {log:q} 2>&1"


rule figure:
    input:
        ANALYSIS,
        lambda wildcards: outcomes(SCOPES[f"figure_{wildcards.figure}"]),
        plan=OUT / "plan.json",
    output:
        OUT / "figures" / "{figure}.pdf",
        report(OUT / "figures" / "{figure}.png", category="Figures"),
    log:
        OUT / "logs" / "figure-{figure}.log",
    localrule: True
    conda:
        "../../environment.yml"
    shell:
        f"{PYTHON} -m analysis.figures {WHERE} {LIES}"
        " --figure {wildcards.figure} > {log:q} 2>&1"


rule report_page:
    input:
        ANALYSIS,
        expand(OUT / "tables" / "{table}.html", table=SUITE.tables),
        expand(OUT / "figures" / "{figure}.png", figure=SUITE.figures),
        records=OUT / "records.csv",
        statistics=OUT / "statistics.json",
    output:
        report(OUT / "report.html", category="Report"),
    log:
        OUT / "logs" / "report.log",
    localrule: True
    conda:
        "../../environment.yml"
    shell:
        f"{PYTHON} -m analysis.report {WHERE} {LIES} > {{log:q}} 2>&1"
