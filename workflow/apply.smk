# Many images of your own → labels, and on request overlays, tables and outlines; on one machine or on a cluster.
#
#   snakemake -s workflow/apply.smk --cores all --config images="plates/*.tif" model=nuclei out=found
#
# images    a file, folder or pattern, or a list of them: images="[a.tif, more/*.png]"
# model     a run's model.pt, or the name of one that ships
# out       folder for what is written
# options   those of `grd predict`, such as options="--table --diameter 30"
# batch     images of a job (20); threads (1) and device (auto) of a job
#
# A call resumes what another left: batch by batch, with `--skip-existing` image by image. If an image cannot be used, the log of its
# batch names it, and other batches go on. Labels are no outputs of rules, since Snakemake removes those before a job and when it
# fails: they may have been corrected by hand.

from snakemake.utils import min_version

from grd.apply.batches import Batches, files_behind
from grd.system.locks import occupy
from grd.system.logs import exit_on_error

min_version("9.0")


with exit_on_error():
    BATCHES = Batches.of(config, planned=not workflow.is_main_process)
    if workflow.is_main_process:
        BATCHES.begin()

OUT = BATCHES.outputs.folder
DONE = [BATCHES.done(number) for number in range(len(BATCHES.files))]
LOCKS = []  # open files, which stay locked as long as this process lives


# The profiles turn off Snakemake's own lock, which would hold up calls with other folders.
onstart:
    with exit_on_error():
        LOCKS.append(occupy(OUT))
        BATCHES.note()


rule all:
    default_target: True
    input:
        DONE,
        OUT / "all-objects.csv" if BATCHES.outputs.table else [],


for number, files in enumerate(BATCHES.files):

    rule:
        name:
            f"segment_{number}"
        input:
            images=files_behind(files),
            model=BATCHES.model,
        output:
            touch(BATCHES.done(number)),
        log:
            OUT / f"logs/segment_{number}.log",
        conda:
            "../envs/torch.yaml"
        threads: BATCHES.threads
        resources:
            mem_mb=lambda wildcards, attempt: 8000 * attempt,
            runtime=lambda wildcards, attempt: 60 * attempt,
            gpu=int(BATCHES.device not in ("auto", "cpu")),
        params:
            images=[str(file) for file in files],
            options=BATCHES.options,
            out=str(OUT),
            device=BATCHES.device,
        message:
            f"Segmenting {len(files)} image(s), batch {number + 1} of {len(BATCHES.files)}"
        script:
            "apply/segment_batch.py"


rule join_tables:
    input:
        DONE,
    output:
        OUT / "all-objects.csv",
    log:
        OUT / "logs/join_tables.log",
    localrule: True
    conda:
        "../envs/base.yaml"
    params:
        tables=[str(table) for table in BATCHES.tables()],
    message:
        "Joining the tables of all images"
    script:
        "apply/join_tables.py"
