"""Images made by hand from one static busybox: no registry and no other program is needed."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.cluster.processes import run
from tests.cluster.programs import need_program

REGISTRY = "registry.invalid"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Image:
    """What an image holds besides busybox, and the program it starts."""

    repository: str
    tag: str
    entrypoint: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    environment: tuple[str, ...] = ()
    user_and_password: str = ""  # whoever pulls must show it; empty: anybody may

    @property
    def reference(self) -> str:
        return f"{REGISTRY}/{self.repository}:{self.tag}"


@dataclass(frozen=True)
class Blobs:
    """An image as a registry serves it."""

    manifest: bytes
    contents: Mapping[str, bytes]  # by digest, the manifest too


PAUSE = Image("pause", "1", ("/bin/sleep", "2147483647"))


def storefront(tag: str) -> Image:
    """A small web shop: its flags, its memory and its need for settings are those of an ordinary service."""
    script = (Path(__file__).parent / "storefront.sh").read_text()
    return Image(
        "storefront", tag, ("/bin/sh", "/app/storefront"), {"app/storefront": script}, (f"STOREFRONT_VERSION={tag}",)
    )


def private_storefront() -> Image:
    public = storefront("1.0")
    return Image(
        "private/storefront", "1.0", public.entrypoint, public.files, public.environment, "buyer:correct-horse"
    )


IMAGES = (PAUSE, storefront("1.0"), storefront("1.1"), storefront("2.0"), private_storefront())


def build(image: Image) -> Blobs:
    """The image's manifest and the blobs it names; the same image gives the same bytes."""
    layers = [_busybox_layer()]
    if image.files:
        layers.append(_layer({name: text.encode() for name, text in image.files.items()}))
    packed = [gzip.compress(layer, compresslevel=1, mtime=0) for layer in layers]
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {
                "Entrypoint": image.entrypoint,
                "Env": ["PATH=/bin", *image.environment],
                "Labels": {"version": image.tag},
            },
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer) for layer in layers]},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(_CONFIG, config),
            "layers": [_descriptor(_LAYER, layer) for layer in packed],
        }
    ).encode()
    return Blobs(manifest, {_digest(blob): blob for blob in (config, *packed, manifest)})


def _descriptor(media_type: str, blob: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return "sha256:" + hashlib.sha256(blob).hexdigest()


@cache
def _busybox_layer() -> bytes:
    busybox = need_program("busybox")
    applets = run([str(busybox), "--list"]).split()
    return _layer({"bin/busybox": busybox.read_bytes()}, {f"bin/{name}": "busybox" for name in applets})


def _layer(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """A tar of programs, root's, without times."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for folder in ("bin", "tmp", "etc"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            archive.addfile(entry)
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            archive.addfile(entry, io.BytesIO(data))
        for name, target in sorted((links or {}).items()):
            if name in files:
                continue
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return content.getvalue()
