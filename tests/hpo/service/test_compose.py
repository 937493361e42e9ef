"""The container files, read as the tools would read them: pinned, closed, and true to the code."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
STEPS = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
OWN = ["ray-head", "worker", "worker-gpu", "service"]


def test_the_parts_are_all_there() -> None:
    assert set(SERVICES) == {"postgres", *OWN}


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned(name: str) -> None:
    assert re.fullmatch(r"[a-z]+:\d+(\.\d+)+(-[a-z]+)?", SERVICES[name]["image"])
    assert SERVICES[name]["image"].startswith("postgres:15.") == (name == "postgres")


def test_only_the_service_is_reachable_and_from_this_machine_alone() -> None:
    published = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert {name: ports for name, ports in published.items() if ports} == {"service": ["127.0.0.1:8000:8000"]}
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert all("network_mode" not in service for service in SERVICES.values())
    assert {name for name, service in SERVICES.items() if "outside" in service["networks"]} == {"service"}


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("postgres", "POSTGRES_PASSWORD"),
        ("service", "SPIKEFRONT_TOKEN"),
        *[(name, "RAY_AUTH_TOKEN") for name in OWN],
    ],
)
def test_no_secret_has_a_default(name: str, variable: str) -> None:
    value = SERVICES[name]["environment"][variable]
    assert re.fullmatch(r"\$\{" + variable + r":\?[^}]+\}", value)


def test_parts_wait_until_what_they_need_is_healthy() -> None:
    needed = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}
    assert set(needed["service"]) == {"postgres", "ray-head"}
    assert set(needed["worker"]) == set(needed["worker-gpu"]) == {"ray-head"}
    for others in needed.values():
        for other, how in others.items():
            assert how == {"condition": "service_healthy"}
            assert SERVICES[other]["healthcheck"]["test"]


def test_data_outlives_the_containers() -> None:
    volumes = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert set(COMPOSE["volumes"]) == {"database", "home"} <= volumes
    assert "home:/var/lib/spikefront" in SERVICES["service"]["volumes"]


@pytest.mark.parametrize("name", OWN)
def test_own_containers_have_no_rights_to_spare(name: str) -> None:
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
    assert SERVICES[name]["environment"]["RAY_AUTH_MODE"] == "token"


def test_trials_run_on_workers_only_and_rays_dashboard_is_off() -> None:
    assert "--include-dashboard=false" in SERVICES["ray-head"]["command"]
    for name in ("ray-head", "service"):
        assert "--num-cpus=0" in SERVICES[name]["command"]
    assert "--num-cpus" not in SERVICES["worker"]["command"]
    assert "container_name" not in SERVICES["worker"], "a named container cannot be scaled"


def test_the_service_alone_needs_the_data() -> None:
    assert "${SPIKEFRONT_DATA:-./data}:/data:ro" in SERVICES["service"]["volumes"]
    assert "SPIKEFRONT_DATA=/data" in DOCKERFILE
    assert all("volumes" not in SERVICES[name] for name in ("worker", "worker-gpu"))


@pytest.mark.parametrize("name", SERVICES)
def test_every_part_has_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert check["retries"] > 1


def test_gpu_workers_come_on_request_only() -> None:
    gpu = SERVICES["worker-gpu"]
    assert gpu["profiles"] == ["gpu"]
    [device] = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
    assert gpu["build"]["args"]["TORCH_INDEX"] in (ROOT / "Dockerfile").read_text()


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
@pytest.mark.parametrize("secrets", [True, False])
def test_docker_compose_accepts_the_file_once_secrets_are_set(secrets: bool) -> None:
    given = {"POSTGRES_PASSWORD": "a", "SPIKEFRONT_TOKEN": "b", "RAY_AUTH_TOKEN": "c"} if secrets else {}
    done = subprocess.run(
        ["docker-compose", "-f", str(ROOT / "docker-compose.yml"), "config"],
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == secrets, done.stderr
    assert secrets or "openssl rand" in done.stderr


def test_every_variable_of_ours_is_one_that_the_code_reads() -> None:
    code = "".join(path.read_text() for path in (ROOT / "hpo").rglob("*.py"))
    named = {key for service in SERVICES.values() for key in service.get("environment", {})}
    named |= set(re.findall(r"SPIKEFRONT_[A-Z_]+", DOCKERFILE))
    ours = {key for key in named if key.startswith("SPIKEFRONT_")}
    assert {"SPIKEFRONT_STORE", "SPIKEFRONT_TOKEN", "SPIKEFRONT_RAY", "SPIKEFRONT_HOME"} <= ours
    assert [key for key in sorted(ours) if f'"{key}"' not in code] == []


def test_the_health_check_asks_an_open_path_by_an_allowed_name() -> None:
    from hpo.service.access import LOOPBACK_HOSTS
    from hpo.service.guard import OPEN_PATHS

    found = re.search(r"http://([\d.]+):8000(/\w+)", SERVICES["service"]["healthcheck"]["test"][-1])
    assert found is not None
    assert found[1] in LOOPBACK_HOSTS
    assert found[2] in OPEN_PATHS


def test_the_image_starts_from_a_pinned_python() -> None:
    assert [rest for step, rest in STEPS if step == "FROM"] == ["python:3.11.14-slim-bookworm"]


def test_the_image_does_not_run_as_root() -> None:
    steps = [step for step, _ in STEPS]
    assert steps.count("USER") == 1
    assert steps.index("USER") > max(k for k, step in enumerate(steps) if step in {"RUN", "COPY"})
    assert ["USER", "spikefront"] in STEPS


def test_torch_comes_first_and_every_library_at_its_tested_version() -> None:
    installs = [rest for step, rest in STEPS if step == "RUN" and "pip install" in rest]
    assert len(installs) == 2
    assert installs[0].endswith('--index-url "${TORCH_INDEX}" torch')
    assert installs[1].endswith("'.[service]'")
    assert all("--constraint constraints.txt" in install for install in installs)


def test_the_image_gets_all_packages_and_only_files_that_exist() -> None:
    copied = [name for step, rest in STEPS if step == "COPY" for name in rest.split()[:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= set(copied)
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == sent


def test_kubernetes_runs_the_same_commands_and_images() -> None:
    parts = list(yaml.safe_load_all((ROOT / "examples" / "cluster" / "kuberay.yaml").read_text()))
    by_kind = {part["kind"]: part for part in parts if part["kind"] != "Service"}
    [service] = by_kind["Deployment"]["spec"]["template"]["spec"]["containers"]
    [postgres] = by_kind["StatefulSet"]["spec"]["template"]["spec"]["containers"]
    command = SERVICES["service"]["command"].replace("ray-head:", "spikefront-head-svc:").replace("\n", " ")
    assert command.strip() == f'sh -c "{service["command"][-1]}"'
    assert postgres["image"] == SERVICES["postgres"]["image"]
    own = {entry["name"] for entry in service["env"]}
    assert own >= set(SERVICES["service"]["environment"]) - {"SPIKEFRONT_ALLOWED_HOSTS"}
    installed = importlib.metadata.version("ray")
    assert by_kind["RayCluster"]["spec"]["rayVersion"] == installed
    assert by_kind["RayCluster"]["spec"]["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


def test_the_slurm_script_is_sound_and_its_options_are_rays() -> None:
    path = ROOT / "examples" / "cluster" / "slurm.sh"
    subprocess.run(["bash", "-n", str(path)], check=True)
    text = path.read_text()
    stated = set(re.findall(r"--[a-z-]+", SERVICES["ray-head"]["command"]))
    assert stated <= set(re.findall(r"--[a-z-]+", text))
    assert "RAY_AUTH_MODE=token" in text
