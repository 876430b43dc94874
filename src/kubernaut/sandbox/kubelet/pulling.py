"""The image of one container: on the node already, or asked of its registry again and again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.sandbox.kubelet.back_off import back_off_s
from kubernaut.sandbox.kubelet.host import Host
from kubernaut.sandbox.recorder import Happening, normal, warning

Say = Callable[[Happening], None]


class ImagePull:
    """Pulls, remembers how often that failed, and tells of it as the kubelet does."""

    def __init__(self, host: Host, say: Say, field: str) -> None:
        self._world = host.world
        self._configurations = host.configurations
        self._images = host.images
        self._say = say
        self._field = field
        self.failures = 0
        self.error = ""

    def is_needed(self, spec: Tree) -> bool:
        """Whether the registry has to be asked."""
        return spec.text("image") not in self._images or spec.text("imagePullPolicy") == "Always"

    def begin(self, spec: Tree) -> timedelta:
        """How long the registry takes to answer."""
        self._say(normal("Pulling", f'Pulling image "{spec.text("image")}"', self._field))
        return timedelta(seconds=self._world.pull_s)

    def end(self, pod: KubeObject, spec: Tree) -> bool:
        """Whether the image came; `error` says why not."""
        image = spec.text("image")
        result = self._world.pull(image, credentials=self._configurations.has_credentials(pod))
        if result.application is None:
            self.failures += 1
            self.error = result.error
            self._say(warning("Failed", f'Failed to pull image "{image}": {result.error}', self._field))
            self._say(warning("Failed", "Error: ErrImagePull", self._field))
            return False
        took = f"{self._world.pull_s:.3f}s"
        text = f'Successfully pulled image "{image}" in {took} ({took} including waiting). '
        self._say(normal("Pulled", f"{text}Image size: {result.application.size} bytes.", self._field))
        self.failures = 0
        self._images.add(image)
        return True

    def pause(self) -> timedelta:
        """How long it is before the registry is asked again."""
        return timedelta(seconds=back_off_s(self.failures))

    def back_off(self, spec: Tree) -> str:
        """The message of a container that waits for the next try."""
        image = spec.text("image")
        self._say(normal("BackOff", f'Back-off pulling image "{image}"', self._field))
        self._say(warning("Failed", "Error: ImagePullBackOff", self._field))
        return f'Back-off pulling image "{image}": ErrImagePull: {self.error}'
