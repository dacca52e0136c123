# The demo and `grd`, with all that they need.
#
#   docker build --tag grd .
#   docker run --name demo grd               # the demo: 12 to 18 minutes on two cores
#   docker cp demo:/grd/results/demo .       # its tables, figures and report.html
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/data" grd \
#     grd predict /data/image.tif --model /data/model.pt --out /data/labels
#
# torch is the build for CPUs. With --build-arg TORCH_INDEX= (empty) it is PyPI's, for NVIDIA GPUs: docker run --gpus all …
FROM python:3.11-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential lmodern texlive-latex-recommended \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --home-dir /grd grd
USER grd
WORKDIR /grd
ENV HOME=/grd USER=grd PATH=/grd/.venv/bin:$PATH
COPY --chown=grd:grd . .

# chmod: with docker run --user, another user writes caches here
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN PIP_NO_CACHE_DIR=1 PIP_EXTRA_INDEX_URL="$TORCH_INDEX" make setup && chmod 777 .

CMD ["make"]
