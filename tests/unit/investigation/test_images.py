from __future__ import annotations

import pytest

from kubernaut.domain.diagnosis import Verdict
from kubernaut.investigation.pulls import PullProblem, classified, registry
from tests.objects import ago, container, event, replica_set, template, waiting
from tests.unit.investigation.scenes import Rollout, best, causes, texts

IMAGE = "registry.example/team/shop:1.9.0"
OLD = template(container(image="registry.example/team/shop:1.8.2"))
NEW = template(container(image=IMAGE))
GENUINE = [
    # containerd 1.7 and 2.x
    (
        'rpc error: code = NotFound desc = failed to pull and unpack image "registry.example/team/shop:1.9.0": '
        'failed to resolve reference "registry.example/team/shop:1.9.0": registry.example/team/shop:1.9.0: not found',
        PullProblem.NOT_FOUND,
    ),
    (
        'failed to pull and unpack image "registry.example/team/shop:1.9.0": failed to resolve reference '
        '"registry.example/team/shop:1.9.0": failed to do request: Head "https://registry.example/v2/team/shop/'
        'manifests/1.9.0": dial tcp: lookup registry.example on 10.96.0.10:53: no such host',
        PullProblem.UNREACHABLE,
    ),
    (
        'failed to resolve reference "registry.example/team/shop:1.9.0": failed to do request: Head "https://registry.'
        'example/v2/team/shop/manifests/1.9.0": dial tcp 203.0.113.7:443: i/o timeout',
        PullProblem.UNREACHABLE,
    ),
    (
        "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to "
        "https://registry.example/token?scope=repository%3Ateam%2Fshop%3Apull: 401 Unauthorized",
        PullProblem.UNAUTHORIZED,
    ),
    (
        'failed to authorize: failed to fetch anonymous token: Get "https://auth.example/token": dial tcp: lookup '
        "auth.example on 10.96.0.10:53: no such host",
        PullProblem.UNREACHABLE,
    ),
    (
        "pull access denied, repository does not exist or may require authorization: server message: "
        "insufficient_scope: authorization failed",
        PullProblem.UNAUTHORIZED,
    ),
    ("no match for platform in manifest: not found", PullProblem.NOT_FOUND),
    # CRI-O
    ("reading manifest 1.9.0 in registry.example/team/shop: manifest unknown", PullProblem.NOT_FOUND),
    (
        'pinging container registry registry.example: Get "https://registry.example/v2/": dial tcp: lookup '
        "registry.example on 10.0.0.2:53: no such host",
        PullProblem.UNREACHABLE,
    ),
    ("unable to retrieve auth token: invalid username/password: unauthorized", PullProblem.UNAUTHORIZED),
    # Docker, ECR, Artifact Registry, Docker Hub
    (
        "Error response from daemon: manifest for registry.example/team/shop:1.9.0 not found: manifest unknown: "
        "manifest unknown",
        PullProblem.NOT_FOUND,
    ),
    ("no basic auth credentials", PullProblem.UNAUTHORIZED),
    ("unexpected status from HEAD request to https://registry.example/v2/x: 403 Forbidden", PullProblem.UNAUTHORIZED),
    ("unexpected status code https://registry.example/v2/x: 503 Service Unavailable", PullProblem.UNREACHABLE),
    ("toomanyrequests: You have reached your pull rate limit.", PullProblem.UNREACHABLE),
    ("tls: failed to verify certificate: x509: certificate signed by unknown authority", PullProblem.UNREACHABLE),
    ('Back-off pulling image "registry.example/team/shop:1.9.0"', PullProblem.UNCLEAR),
]


@pytest.mark.parametrize(("message", "problem"), GENUINE)
def test_a_runtimes_words_tell_a_missing_image_from_a_silent_and_a_refusing_registry(
    message: str, problem: PullProblem
) -> None:
    assert classified(message, IMAGE)[0] is problem


def test_words_inside_an_images_own_name_do_not_count() -> None:
    image = "registry.example/unauthorized/denied-x509:401"
    message = f'failed to resolve reference "{image}": {image}: not found'
    assert classified(message, image)[0] is PullProblem.NOT_FOUND


def test_an_image_without_a_host_comes_from_docker_hub() -> None:
    assert registry("library/nginx:1") == "docker.io"
    assert registry("localhost:5000/nginx") == "localhost:5000"


def test_a_new_tag_that_does_not_exist_is_rolled_back() -> None:
    rollout = Rollout(OLD, NEW, old_available=3)
    pods = rollout.pods(waiting("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"'), 1)
    words = f'Failed to pull image "{IMAGE}": {GENUINE[0][0]}'
    found = rollout.diagnose(
        pods, event(pods[0], "Failed", words, count=4), event(pods[0], "Failed", "Error: ErrImagePull")
    )
    top = best(found)
    assert (top.cause, top.verdict) == ("image_not_found", Verdict.ACT)
    assert top.remedies[0].action == "rollback_deployment"
    assert top.remedies[0].parameters == {"revision": 6}
    assert 'containers[app].image: "registry.example/team/shop:1.8.2" -> "registry.example/team/shop:1.9.0"' in texts(
        found
    )


def test_a_tag_that_vanished_without_a_change_goes_to_people() -> None:
    before = template(container(image=IMAGE, args=["--v=1"]))
    rollout = Rollout(before, NEW, minutes_ago=6000)
    pods = rollout.pods(waiting("ErrImagePull", GENUINE[0][0]))
    top = best(rollout.diagnose(pods))
    assert (top.cause, top.verdict) == ("image_not_found", Verdict.ESCALATE)
    assert [remedy.action for remedy in top.remedies] == ["escalate"]


def test_a_former_revision_that_failed_too_is_passed_over_for_the_last_one_that_worked() -> None:
    rollout = Rollout(template(container(image="registry.example/team/shop:1.8.9")), NEW)

    oldest = replica_set(rollout.deployment, 5, OLD, age=ago(days=9))
    pods = rollout.pods(waiting("ErrImagePull", GENUINE[0][0]))
    gone = [
        event(pods[0], "BackOff", "Back-off pulling image", name=f"{rollout.before.name}-zzzzz", uid="gone", count=9)
    ]
    top = best(rollout.diagnose(pods, oldest, gone))
    assert top.remedies[0].parameters == {"revision": 5}


def test_a_registry_that_does_not_answer_is_not_a_reason_to_roll_back_a_new_tag() -> None:
    rollout = Rollout(OLD, NEW, old_available=3)
    pods = rollout.pods(waiting("ErrImagePull", GENUINE[2][0]), 1)
    top = best(rollout.diagnose(pods))
    assert (top.cause, top.verdict) == ("registry_unreachable", Verdict.ESCALATE)


def test_a_change_to_a_host_that_does_not_exist_is_rolled_back() -> None:
    image = "registry.exmaple/team/shop:1.8.2"
    rollout = Rollout(OLD, template(container(image=image)), old_available=3)
    words = 'failed to do request: Head "https://registry.exmaple/v2/": dial tcp: lookup registry.exmaple: no such host'
    pods = rollout.pods(waiting("ErrImagePull", words), 1)
    top = best(rollout.diagnose(pods))
    assert (top.cause, top.verdict) == ("registry_unreachable", Verdict.ACT)
    assert top.remedies[0].parameters == {"revision": 6}


def test_a_refusing_registry_needs_approval_even_where_a_rollback_would_help() -> None:
    image = "registry.example/private/shop:1.8.2"
    rollout = Rollout(OLD, template(container(image=image)), old_available=3)
    pods = rollout.pods(waiting("ErrImagePull", "unexpected status: 401 Unauthorized"), 1)
    found = rollout.diagnose(pods)
    assert causes(found)[0] == "image_pull_unauthorized"
    assert best(found).verdict is Verdict.APPROVE
    assert "no image pull secret is set" in texts(found)


def test_an_init_containers_image_is_named_as_such() -> None:
    new = template(container(), initContainers=[container("migrate", IMAGE)])
    rollout = Rollout(template(container()), new, old_available=3)
    pods = rollout.pods(waiting("PodInitializing"), 1, inits=[waiting("ErrImagePull", GENUINE[0][0], "migrate")])
    top = best(rollout.diagnose(pods))
    assert top.cause == "image_not_found"
    assert "init container migrate" in top.summary
    assert top.remedies[0].parameters == {"revision": 6}
