# Tables and figures → what the paper says about them, checked: on all of them, and on each table that has some rows of one of
# the paper's.


for table in ["", *PROJECT.tables_with_claims]:

    rule:
        name:
            PROJECT.claims_name(table)
        input:
            evidence_for(table),
        output:
            csv=TABLES / f"{PROJECT.claims_name(table)}.csv",
            tex=TABLES / f"{PROJECT.claims_name(table)}.tex",
            md=TABLES / f"{PROJECT.claims_name(table)}.md",
            html=report(
                TABLES / f"{PROJECT.claims_name(table)}.html",
                caption="../report/claims.rst",
                category="Claims",
                labels={
                    "claims": f"The paper's prose{table and f', on {table}'}",
                    "scale": PROJECT.config.scale,
                },
            ),
        log:
            LOGS / f"{PROJECT.claims_name(table)}.log",
        benchmark:
            BENCHMARKS / f"{PROJECT.claims_name(table)}.tsv"
        localrule: True
        conda:
            "../../envs/torch.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
            gpu=0,
        params:
            **identity("claims", table),
        message:
            f"Checking the paper's claims{table and f' on {table}'}"
        script:
            "../scripts/claims.py"
