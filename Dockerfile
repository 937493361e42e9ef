# One image for the service, the drivers it starts, and the Ray nodes.
FROM python:3.11.14-slim-bookworm

# Where PyTorch comes from; for NVIDIA GPUs build with
# --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    SPIKEFRONT_HOME=/var/lib/spikefront \
    SPIKEFRONT_DATA=/data

# A volume mounted on these folders for the first time takes over their owner.
RUN useradd --create-home --uid 10001 spikefront \
    && install --directory --owner=spikefront --group=spikefront /var/lib/spikefront /data

WORKDIR /app
COPY constraints.txt ./
# Without its dependencies: that index holds no fixed versions of them, PyPI does.
RUN pip install --no-deps --constraint constraints.txt --index-url "${TORCH_INDEX}" torch

COPY pyproject.toml README.md LICENSE ./
COPY spikefront ./spikefront
COPY hardware ./hardware
COPY models ./models
COPY workers ./workers
COPY hpo ./hpo
COPY examples ./examples
RUN pip install --constraint constraints.txt '.[service]'

USER spikefront
EXPOSE 8000
CMD ["spikefront", "serve", "--host", "0.0.0.0"]
