# Samples → models: networks that learn from the labels alone, and groups of students that share a teacher.


rule train:
    input:
        samples=RESULTS / "data/{dataset}.h5",
    output:
        models=[RESULTS / "runs/{dataset}/{run}/model.pt"],
        histories=[RESULTS / "runs/{dataset}/{run}/history.jsonl"],
    log:
        LOGS / "train/{dataset}/{run}.log",
    benchmark:
        BENCHMARKS / "train/{dataset}/{run}.tsv"
    wildcard_constraints:
        run=r"[a-z0-9_]+-s\d+",
    conda:
        "../../envs/torch.yaml"
    threads: PROJECT.scale.threads
    resources:
        mem_mb=int(1000 * PROJECT.scale.training_gb),
        runtime=int(60 * PROJECT.scale.training_hours),
        gpu=GPUS,
    params:
        runs=lambda wildcards: [run_settings(wildcards)],
        state=str(LAYOUT.state),
        device=PROJECT.config.device,
    message:
        "Training {wildcards.run} on {wildcards.dataset}"
    script:
        "../scripts/train.py"


for group in PROJECT.groups():

    rule:
        name:
            f"distil_{group.name}"
        input:
            samples=LAYOUT.samples(group.teacher.dataset),
            teacher=LAYOUT.model(group.teacher),
        output:
            models=[LAYOUT.model(run) for run in group.students],
            histories=[LAYOUT.history(run) for run in group.students],
        log:
            LOGS / f"distil/{group.name}.log",
        benchmark:
            BENCHMARKS / f"distil/{group.name}.tsv"
        conda:
            "../../envs/torch.yaml"
        threads: PROJECT.scale.threads
        resources:
            mem_mb=int(1000 * PROJECT.scale.training_gb),
            runtime=int(60 * PROJECT.scale.training_hours),
            gpu=GPUS,
        params:
            runs=[settings_of(run) for run in group.students],
            state=str(LAYOUT.state),
            device=PROJECT.config.device,
        message:
            f"Training {len(group.students)} students of {group.teacher.name} on {group.teacher.dataset}"
        script:
            "../scripts/train.py"
