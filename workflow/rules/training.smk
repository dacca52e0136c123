# Samples → models: networks that learn from the labels alone, and groups of students that share a teacher.
#
# A group of students is one job. It leaves a record per student, named after all that decides that student; each student's
# model is a job of its own, which links what was trained into the run's folder. When one member changes, its record is missing:
# the group runs and trains that member alone. The records of the others stay (`update`) and rerun nothing (`ancient`).
#
# The functions under `params` of a group take `input` on purpose, although they do not use it: Snakemake does not compare
# parameters that depend on the input. Otherwise one changed student would make it write the records of the whole group again.


rule train:
    input:
        samples=RESULTS / "data/{dataset}.h5",
    output:
        weights=RESULTS / "runs/{dataset}/{run}/weights.pt",
        last=RESULTS / "runs/{dataset}/{run}/last.pt",
        history=RESULTS / "runs/{dataset}/{run}/history.jsonl",
        account=RESULTS / "runs/{dataset}/{run}/training.json",
    log:
        LOGS / "train/{dataset}/{run}.log",
    benchmark:
        BENCHMARKS / "train/{dataset}/{run}.tsv"
    wildcard_constraints:
        run=WITHOUT_TEACHER,
    conda:
        "../../envs/torch.yaml"
    threads: PROJECT.scale.threads
    resources:
        mem_mb=lambda wildcards, attempt: training_needs(
            [run_of(wildcards)], attempt
        ).megabytes,
        runtime=lambda wildcards, attempt: training_needs(
            [run_of(wildcards)], attempt
        ).minutes,
        gpu=gpus,
    params:
        **identity("train"),
        state=str(LAYOUT.state),
    message:
        "Training {wildcards.run} on {wildcards.dataset}"
    script:
        "../scripts/train.py"


for group in all_groups(PROJECT):

    rule:
        name:
            f"distil_{group.name}"
        input:
            samples=LAYOUT.samples(group.teacher.dataset),
            teacher=LAYOUT.weights(group.teacher),
        output:
            [update(record_of(run)) for run in group.students],
        log:
            LOGS / f"distil/{group.name}.log",
        benchmark:
            BENCHMARKS / f"distil/{group.name}.tsv"
        conda:
            "../../envs/torch.yaml"
        threads: PROJECT.scale.threads
        resources:
            mem_mb=lambda wildcards, attempt, group=group: training_needs(
                group.students, attempt
            ).megabytes,
            runtime=lambda wildcards, attempt, group=group: training_needs(
                group.students, attempt
            ).minutes,
            gpu=gpus,
        params:
            runs=lambda wildcards, input, group=group: [
                KEYS.settings(training_of(run))["run"] for run in group.students
            ],
            code=lambda wildcards, input, group=group: [
                KEYS.code(training_of(run)) for run in group.students
            ],
            folders=lambda wildcards, input, group=group: [
                str(LAYOUT.run(run)) for run in group.students
            ],
            state=str(LAYOUT.state),
        message:
            f"Training {len(group.students)} student(s) of {group.teacher.name} on {group.teacher.dataset}"
        script:
            "../scripts/distil.py"


rule collect_student:
    input:
        samples=RESULTS / "data/{dataset}.h5",
        teacher=lambda wildcards: LAYOUT.weights(run_of(wildcards).taught_by),
        record=lambda wildcards: ancient(record_of(run_of(wildcards))),
    output:
        weights=RESULTS / "runs/{dataset}/{run}/weights.pt",
        last=RESULTS / "runs/{dataset}/{run}/last.pt",
        history=RESULTS / "runs/{dataset}/{run}/history.jsonl",
        account=RESULTS / "runs/{dataset}/{run}/training.json",
    log:
        LOGS / "collect_student/{dataset}/{run}.log",
    benchmark:
        BENCHMARKS / "collect_student/{dataset}/{run}.tsv"
    wildcard_constraints:
        run=WITH_TEACHER,
    localrule: True
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
        gpu=0,
    params:
        **identity("collect_student"),
        state=str(LAYOUT.state),
    message:
        "Collecting {wildcards.run} on {wildcards.dataset}"
    script:
        "../scripts/collect_student.py"
