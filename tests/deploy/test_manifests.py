from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from kubernaut.adapters.kubernetes.answers import Asked
from kubernaut.adapters.kubernetes.connection import ClusterOptions
from kubernaut.adapters.kubernetes.requests import KubernetesApi, path_of
from kubernaut.domain.objects import ObjectRef
from kubernaut.execution.catalogue import discover
from kubernaut.execution.roles import Account, read_roles
from kubernaut.sandbox import Sandbox
from kubernaut.settings import load_settings
from tests.deploy.manifests import PLACE, documents, of_kind

ROOT = Path(__file__).resolve().parents[2]
POD = of_kind("Deployment")["spec"]["template"]
[CONTAINER] = POD["spec"]["containers"]


async def test_an_api_server_takes_every_manifest() -> None:
    async with (
        Sandbox() as sandbox,
        KubernetesApi(ClusterOptions(kubeconfig=str(sandbox.kubeconfig()))) as api,
    ):
        for number, document in enumerate(documents()):
            metadata = document["metadata"]
            ref = ObjectRef(document["apiVersion"], document["kind"], metadata.get("namespace", ""), metadata["name"])
            resource = await api.resource_of(ref)
            asked = Asked("create", resource, str(ref))
            # The namespace has to be there for the others.
            dry = {} if number == 0 else {"dryRun": "All"}
            path = path_of(resource, ref.namespace)
            taken = await api.call(asked, "POST", path, params={**dry, "fieldValidation": "Strict"}, body=document)
            assert taken["kind"] == document["kind"]


def test_the_parts_fit_each_other() -> None:
    labels, service, deployment = POD["metadata"]["labels"], of_kind("Service"), of_kind("Deployment")
    ports = {port["name"] for port in CONTAINER["ports"]}
    volumes = {volume["name"] for volume in POD["spec"]["volumes"]}
    monitor = yaml.safe_load((PLACE / "servicemonitor.yaml").read_text(encoding="utf-8"))["spec"]

    assert service["spec"]["selector"] == labels == deployment["spec"]["selector"]["matchLabels"]
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    probes = [CONTAINER[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert {probe["port"] for probe in probes} <= ports
    assert {mount["name"] for mount in CONTAINER["volumeMounts"]} == volumes
    assert monitor["selector"]["matchLabels"] == service["metadata"]["labels"]
    assert {endpoint["port"] for endpoint in monitor["endpoints"]} <= {
        port["name"] for port in service["spec"]["ports"]
    }
    # One file, one process.
    assert (deployment["spec"]["replicas"], deployment["spec"]["strategy"]["type"]) == (1, "Recreate")


def test_the_settings_of_the_config_map_are_taken_and_point_into_what_is_mounted(tmp_path: Path) -> None:
    file = tmp_path / "kubernaut.yaml"
    file.write_text(of_kind("ConfigMap")["data"]["kubernaut.yaml"], encoding="utf-8")
    settings = load_settings(file)
    mounts = {mount["name"]: mount["mountPath"] for mount in CONTAINER["volumeMounts"]}

    assert settings.store.url.removeprefix("sqlite:///").startswith(mounts["database"])
    assert str(settings.http.token_file).startswith(mounts["token"])
    assert settings.http.port == CONTAINER["ports"][0]["containerPort"]
    assert settings.policy.autonomy == "approve"
    assert CONTAINER["args"] == ["serve", "--config", f"{mounts['settings']}/kubernaut.yaml"]


def test_the_pod_may_do_no_more_than_it_needs() -> None:
    security = CONTAINER["securityContext"]
    user = re.search(r"^USER (\d+):(\d+)$", (ROOT / "Containerfile").read_text(encoding="utf-8"), re.MULTILINE)

    assert user is not None
    assert POD["spec"]["securityContext"]["runAsNonRoot"] is True
    assert str(POD["spec"]["securityContext"]["runAsUser"]) == user[1]
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert of_kind("Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_roles_that_are_rendered_are_bound_to_the_account_of_the_pod() -> None:
    account = of_kind("ServiceAccount")["metadata"]
    roles = read_roles(discover(), Account("kubernaut", "kubernaut"))
    [binding] = [role for role in roles if role["kind"] == "ClusterRoleBinding"]

    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": account["name"], "namespace": account["namespace"]}
    ]
    assert POD["spec"]["serviceAccountName"] == account["name"]


def test_the_image_has_the_version_of_the_project_and_what_it_copies_is_there() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    copied = [word for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE) for word in line.split()[:-1]]
    kept = (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()

    assert CONTAINER["image"] == f"kubernaut:{version}"
    assert [path for path in copied if not (ROOT / path).exists() or f"!{path}" not in kept] == []
