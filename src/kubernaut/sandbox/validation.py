"""The checks that end in 422: field by field, as the API server words them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.domain.quantities import parse_quantity
from kubernaut.domain.selectors import matches, selector_of
from kubernaut.sandbox.failures import FieldError, bad_request
from kubernaut.sandbox.kinds import Kind

_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_LABEL_VALUE = re.compile(r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")
_QUANTITY = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_LONGEST_NAME = 253
_LONGEST_LABEL = 63
_HIGHEST_PORT = 65535
_HIGHEST_USER = 2**31 - 1
_EFFECTS = ("NoExecute", "NoSchedule", "PreferNoSchedule")
_TEMPLATED = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"})
_MUTABLE_POD_FIELDS = frozenset({"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName"})


def required(path: str) -> FieldError:
    """A field that has to be there."""
    return FieldError(path, "FieldValueRequired", "Required value")


def invalid_value(path: str, value: Json, why: str) -> FieldError:
    """A value that does not hold."""
    shown = f'"{value}"' if isinstance(value, str) else value
    return FieldError(path, "FieldValueInvalid", f"Invalid value: {shown}: {why}")


def check_types(item: JsonObject, kind: Kind) -> None:
    """Raises the 400 failure of a body whose fields cannot be decoded."""
    replicas = Tree(item).at("spec", "replicas")
    if replicas is not None and (isinstance(replicas, bool) or not isinstance(replicas, int)):
        shown = "string" if isinstance(replicas, str) else "number"
        raise bad_request(
            f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: json: cannot unmarshal '
            f"{shown} into Go struct field {kind.name}Spec.spec.replicas of type int32"
        )


def find_errors(item: JsonObject, before: JsonObject | None) -> list[FieldError]:
    """All that is wrong with the object, or with the change to it."""
    tree = Tree(item)
    errors = list(_metadata_errors(tree))
    kind = tree.text("kind")
    if kind in _TEMPLATED:
        errors += _workload_errors(tree)
    elif kind == "Job":
        errors += _pod_spec_errors(tree.tree("spec", "template", "spec"), "spec.template.spec")
    elif kind == "Pod":
        errors += _pod_spec_errors(tree.tree("spec"), "spec")
    elif kind == "Service":
        errors += _service_errors(tree)
    if before is not None:
        errors += _immutable_errors(tree, Tree(before))
    return errors


def _metadata_errors(tree: Tree) -> Iterator[FieldError]:
    name = tree.text("metadata", "name")
    if not name:
        yield FieldError("metadata.name", "FieldValueRequired", "Required value: name or generateName is required")
    elif (len(name) > _LONGEST_NAME or not _SUBDOMAIN.match(name)) and "rbac" not in tree.text("apiVersion"):
        yield invalid_value(
            "metadata.name",
            name,
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
            "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        )
    for value in tree.mapping("metadata", "labels").values():
        if len(value) > _LONGEST_LABEL or not _LABEL_VALUE.match(value):
            yield invalid_value(
                "metadata.labels",
                value,
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
                "must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', "
                "regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
            )


def _workload_errors(tree: Tree) -> Iterator[FieldError]:
    replicas = tree.integer("spec", "replicas")
    if replicas < 0:
        yield invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")
    if not tree.tree("spec", "selector").raw:
        yield required("spec.selector")
    elif not matches(
        selector_of(tree.tree("spec", "selector")), tree.mapping("spec", "template", "metadata", "labels")
    ):
        shown = dict(tree.mapping("spec", "template", "metadata", "labels"))
        yield FieldError(
            "spec.template.metadata.labels",
            "FieldValueInvalid",
            f"Invalid value: {_go_map(shown)}: `selector` does not match template `labels`",
        )
    # A StatefulSet's mounts may be those of its claim templates: the API server leaves its pods' spec to the pods.
    if tree.text("kind") != "StatefulSet":
        yield from _pod_spec_errors(tree.tree("spec", "template", "spec"), "spec.template.spec")


def _go_map(labels: dict[str, str]) -> str:
    return "map[string]string{" + ", ".join(f'"{key}":"{labels[key]}"' for key in sorted(labels)) + "}"


def _pod_spec_errors(spec: Tree, path: str) -> Iterator[FieldError]:
    containers = spec.trees("containers")
    if not containers:
        yield required(f"{path}.containers")
    yield from _scalar_errors(spec, path)
    names: set[str] = set()
    for index, container in enumerate(containers):
        at = f"{path}.containers[{index}]"
        name = container.text("name")
        if not name:
            yield required(f"{at}.name")
        elif name in names:
            yield FieldError(f"{at}.name", "FieldValueDuplicate", f'Duplicate value: "{name}"')
        names.add(name)
        if not container.text("image"):
            yield required(f"{at}.image")
        yield from _resource_errors(container, at)
        yield from _port_errors(container, at)
        yield from _mount_errors(container, spec, at)


def _scalar_errors(spec: Tree, path: str) -> Iterator[FieldError]:
    """Values that only the pods of an operator get, whose own fields nobody checked."""
    user = spec.at("securityContext", "runAsUser")
    if isinstance(user, int) and not 0 <= user <= _HIGHEST_USER:
        yield invalid_value(f"{path}.securityContext.runAsUser", user, "must be between 0 and 2147483647, inclusive")
    for index, toleration in enumerate(spec.trees("tolerations")):
        effect = toleration.text("effect")
        if effect and effect not in _EFFECTS:
            at = f"{path}.tolerations[{index}].effect"
            known = ", ".join(f'"{each}"' for each in _EFFECTS)
            yield FieldError(at, "FieldValueNotSupported", f'Unsupported value: "{effect}": supported values: {known}')


def _resource_errors(container: Tree, at: str) -> Iterator[FieldError]:
    for part in ("limits", "requests"):
        values = container.tree("resources", part)
        for resource, value in values.raw.items():
            wanted = parse_quantity(value)
            if wanted is None:
                why = f"quantities must match the regular expression '{_QUANTITY}'"
                yield invalid_value(f"{at}.resources.{part}[{resource}]", value, why)
                continue
            limit = container.at("resources", "limits", resource)
            most = parse_quantity(limit)
            if part == "requests" and most is not None and wanted > most:
                why = f"must be less than or equal to {resource} limit of {limit}"
                yield invalid_value(f"{at}.resources.requests", value, why)


def _port_errors(container: Tree, at: str) -> Iterator[FieldError]:
    for index, port in enumerate(container.trees("ports")):
        number = port.integer("containerPort")
        if not 0 < number <= _HIGHEST_PORT:
            why = "must be between 1 and 65535, inclusive"
            yield invalid_value(f"{at}.ports[{index}].containerPort", number, why)


def _mount_errors(container: Tree, spec: Tree, at: str) -> Iterator[FieldError]:
    volumes = {volume.text("name") for volume in spec.trees("volumes")}
    for index, mount in enumerate(container.trees("volumeMounts")):
        # The token volume is mounted by admission, after this check.
        if mount.text("name") not in volumes:
            text = f'Not found: "{mount.text("name")}"'
            yield FieldError(f"{at}.volumeMounts[{index}].name", "FieldValueNotFound", text)


def _service_errors(tree: Tree) -> Iterator[FieldError]:
    ports = tree.trees("spec", "ports")
    if not ports and tree.text("spec", "type") != "ExternalName" and tree.text("spec", "clusterIP") != "None":
        yield required("spec.ports")
    for index, port in enumerate(ports):
        at = f"spec.ports[{index}]"
        if not 0 < port.integer("port") <= _HIGHEST_PORT:
            yield invalid_value(f"{at}.port", port.at("port"), "must be between 1 and 65535, inclusive")
        if len(ports) > 1 and not port.text("name"):
            yield required(f"{at}.name")
        target = port.at("targetPort")
        if isinstance(target, int) and not 0 < target <= _HIGHEST_PORT:
            yield invalid_value(f"{at}.targetPort", target, "must be between 1 and 65535, inclusive")


def _immutable_errors(tree: Tree, before: Tree) -> Iterator[FieldError]:
    kind = tree.text("kind")
    if kind in _TEMPLATED and tree.at("spec", "selector") != before.at("spec", "selector"):
        yield invalid_value("spec.selector", None, "field is immutable")
    if kind == "Service" and before.text("spec", "clusterIP") not in ("", tree.text("spec", "clusterIP")):
        yield invalid_value("spec.clusterIPs[0]", tree.at("spec", "clusterIP"), "may not change once set")
    if kind == "Pod" and _frozen(tree) != _frozen(before):
        yield FieldError(
            "spec",
            "FieldValueForbidden",
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
            "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
            "negative)",
        )


def _frozen(pod: Tree) -> JsonObject:
    spec = {key: value for key, value in pod.tree("spec").raw.items() if key not in _MUTABLE_POD_FIELDS}
    for name in ("containers", "initContainers"):
        spec[name] = [
            {key: value for key, value in item.raw.items() if key != "image"} for item in pod.trees("spec", name)
        ]
    return spec
