"""The Kubernetes configuration: true to Kubernetes' own schemas, to the settings, and to itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from ingestion.settings import PROJECT_FOLDER, Settings, load_settings

FOLDER = PROJECT_FOLDER / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
FILES = KUSTOMIZATION["resources"]
SECRET = "ticketmarts"
OWNER_SECRET = "ticketmarts-owner"
"""Of who may change the schema, and read and write everything."""
TEMPORARY = "/tmp"  # noqa: S108 -- of a container, which nobody shares
OURS = {"dagster-code", "dagster-daemon", "dagster-webserver", "migrations", "workers"}
# REDIS_PASSWORD is for Redis itself; in ours it is a part of CELERY_BROKER_URL.
SECRET_SETTINGS = {"DATABASE_URL", "DAGSTER_DATABASE_URL", "CELERY_BROKER_URL"}
REDIS_PASSWORD = "REDIS_PASSWORD"


def resources() -> list[dict[str, Any]]:
    return [resource for name in FILES for resource in yaml.safe_load_all((FOLDER / name).read_text())]


def of_kind(*kinds: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in resources() if each["kind"] in kinds}


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, each in of_kind("Deployment", "StatefulSet", "Job").items():
        yield name, each["spec"]["template"]


def refers_to(part: Any, secret: str) -> bool:
    """Whether a part of a resource names the secret, in whichever of the ways that there are."""
    if isinstance(part, list):
        return any(refers_to(each, secret) for each in part)
    if not isinstance(part, dict):
        return False
    named = {part.get("secretName"), *(part.get(kind, {}).get("name") for kind in ("secretRef", "secretKeyRef"))}
    if isinstance(part.get("secret"), dict):  # of a projected volume
        named.add(part["secret"].get("name"))
    return secret in named or any(refers_to(each, secret) for each in part.values())


def test_every_file_is_applied() -> None:
    assert {path.name for path in FOLDER.glob("*.yaml")} == {*FILES, "kustomization.yaml"}


@pytest.mark.parametrize("version", ["1.30", "1.33", "1.37"])
def test_every_resource_is_one_of_kubernetes(version: str) -> None:
    for resource in resources():
        kubernetes_validate.validate(resource, version, strict=True)


def test_settings_are_those_that_there_are() -> None:
    data = of_kind("ConfigMap")["ticketmarts"]["data"]
    names = {name.upper() for name in Settings.model_fields}
    assert set(data) | SECRET_SETTINGS <= names
    assert not {*SECRET_SETTINGS, REDIS_PASSWORD} & set(data), "secrets are not in the repository"
    settings = load_settings(
        with_running_stack=False,
        dotenv=Path("/nowhere/.env"),
        celery_broker_url="redis://:password@redis:6379/0",
        **{name.lower(): value for name, value in data.items()},
    )
    workers = of_kind("Deployment")["workers"]["spec"]
    (container,) = workers["template"]["spec"]["containers"]
    processes = int(container["args"][container["args"].index("--concurrency") + 1])
    assert settings.scraper_shards == workers["replicas"] * processes
    assert workers["template"]["spec"]["terminationGracePeriodSeconds"] < settings.celery_redelivery_seconds


def test_what_pods_refer_to_exists() -> None:
    maps = of_kind("ConfigMap")
    images = {"redis", *(image["name"] for image in KUSTOMIZATION["images"])}
    for name, pod in pods():
        (container,) = pod["spec"]["containers"]
        assert container["image"].partition(":")[0] in images, name
        for source in container.get("envFrom", ()):
            ((kind, reference),) = source.items()
            assert reference["name"] in ({SECRET, OWNER_SECRET} if kind == "secretRef" else maps), name
        for variable in container.get("env", ()):
            assert variable["valueFrom"]["secretKeyRef"] == {"name": SECRET, "key": REDIS_PASSWORD}, name
        for volume in pod["spec"].get("volumes", ()):
            assert volume.get("emptyDir") == {} or volume["configMap"]["name"] in maps, name
        claims = of_kind("StatefulSet").get(name, {}).get("spec", {}).get("volumeClaimTemplates", ())
        volumes = {volume["name"] for volume in pod["spec"].get("volumes", ())}
        volumes |= {claim["metadata"]["name"] for claim in claims}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes, name


def test_the_owner_of_the_database_migrates_and_nobody_else_is_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pods_of = {secret: {name for name, pod in pods() if refers_to(pod, secret)} for secret in (SECRET, OWNER_SECRET)}
    assert pods_of == {SECRET: {*OURS, "redis"} - {"migrations"}, OWNER_SECRET: {"migrations"}}
    # The other settings belong to other secrets: more shards than one, say, are refused where there is no broker.
    (container,) = dict(pods())["migrations"]["spec"]["containers"]
    assert container["envFrom"] == [{"secretRef": {"name": OWNER_SECRET}}]
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://owner@database/ticketmarts")
    settings = load_settings(with_running_stack=False, dotenv=Path("/nowhere/.env"))
    assert settings.require_database_url() == "postgresql://owner@database/ticketmarts"
    guide = (PROJECT_FOLDER / "docs" / "OPERATIONS.md").read_text()
    for secret in (SECRET, OWNER_SECRET):
        assert f"create secret generic {secret} --from-env-file=" in guide


def test_services_lead_to_pods_and_the_workspace_to_a_service() -> None:
    containers = {
        pod["metadata"]["labels"]["app.kubernetes.io/name"]: pod["spec"]["containers"][0] for _, pod in pods()
    }
    services = of_kind("Service")
    for service in services.values():
        container = containers[service["spec"]["selector"]["app.kubernetes.io/name"]]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        for port in service["spec"]["ports"]:
            assert ports[port["targetPort"]] == port["port"]
    workspace = yaml.safe_load(of_kind("ConfigMap")["dagster-workspace"]["data"]["workspace.yaml"])
    (location,) = (each["grpc_server"] for each in workspace["load_from"])
    assert location["port"] == services[location["host"]]["spec"]["ports"][0]["port"]
    checked_in = yaml.safe_load((PROJECT_FOLDER / "workspace.yaml").read_text())["load_from"][0]["python_module"]
    assert location["location_name"] == checked_in["location_name"]


def test_whoever_gives_and_takes_steps_reaches_redis_and_nobody_else() -> None:
    allowed = {name for name, pod in pods() if pod["metadata"]["labels"].get("ticketmarts/uses-redis") == "true"}
    assert allowed == {"dagster-code", "workers"}
    (policy,) = of_kind("NetworkPolicy").values()
    assert policy["spec"]["ingress"][0]["from"] == [
        {"podSelector": {"matchLabels": {"ticketmarts/uses-redis": "true"}}}
    ]


def test_pods_are_let_in_where_security_is_restricted() -> None:
    """The rules that the namespace's label stands for, of which schemas know nothing."""
    for name, pod in pods():
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True, name
        assert pod["spec"]["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", name
        for container in pod["spec"]["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False, name
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
            assert container["resources"]["limits"]["memory"], name


def test_what_is_written_can_be_written() -> None:
    """All else is read-only: Python makes temporary files, dbt logs there, and Dagster has a folder beside its file."""
    data = of_kind("ConfigMap")["ticketmarts"]["data"]
    for name in OURS:
        spec = dict(pods())[name]["spec"]
        empty = {volume["name"] for volume in spec["volumes"] if "emptyDir" in volume}
        mounts = {mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"] if mount["name"] in empty}
        storage = [] if name == "migrations" else [f"{data['DAGSTER_HOME']}/storage"]
        assert sorted(mounts) == sorted([TEMPORARY, *storage]), name


def test_what_hangs_is_started_anew() -> None:
    probes = {name: dict(pods())[name]["spec"]["containers"][0].get("livenessProbe") for name in OURS - {"migrations"}}
    kinds = {name: next(iter({"exec", "httpGet"} & set(probe)), None) for name, probe in probes.items() if probe}
    assert kinds == {
        "dagster-code": "exec",
        "dagster-daemon": "exec",
        "dagster-webserver": "httpGet",
        "workers": "exec",
    }
    for name, probe in probes.items():
        # Dagster's programs take seconds to start, and the first answer takes longer than later ones.
        assert probe["timeoutSeconds"] >= 10, name
        assert probe["initialDelaySeconds"] >= 60, name


@pytest.mark.parametrize("name", ["dagster-code", "dagster-daemon"])
def test_probes_are_commands_that_there_are(name: str) -> None:
    (container,) = dict(pods())[name]["spec"]["containers"]
    program, *words = container["livenessProbe"]["exec"]["command"]
    first = words.index("--port") if "--port" in words else len(words)
    asked = [Path(sys.executable).parent / program, *words[:first], "--help"]
    told = subprocess.run(asked, cwd=PROJECT_FOLDER, capture_output=True, text=True, check=True).stdout
    if "--port" in words:
        assert "--port" in told
        assert words[first + 1] == container["args"][container["args"].index("--port") + 1]


@pytest.mark.parametrize("name", sorted(OURS))
def test_commands_are_programs_that_there_are_and_take_these_options(name: str) -> None:
    (container,) = dict(pods())[name]["spec"]["containers"]
    program, *arguments = container["args"]
    if program == "celery":
        assert arguments[:3] == ["--app", "orchestration.celery_worker", "worker"]
        assert find_spec("orchestration.celery_worker")
        command, options = ["worker"], arguments[3:]
    else:
        # Everything up to the first option names the command.
        first = next((number for number, each in enumerate(arguments) if each.startswith("-")), len(arguments))
        command, options = arguments[:first], arguments[first:]
    asked = [Path(sys.executable).parent / program, *command, "--help"]
    told = subprocess.run(asked, cwd=PROJECT_FOLDER, capture_output=True, text=True, check=True).stdout
    assert [option for option in options if option.startswith("--") and option not in told] == []
