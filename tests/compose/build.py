"""The images: built, how large, what is in them, and how long a rebuild after a change of one template takes."""

from __future__ import annotations

from tests.compose.images import REPOSITORY, STANDS_IN, build_ours, build_stand_ins, exported
from tests.compose.scene import Scene

IMAGE = "localhost/ses-ops:0.1.0"


def run(scene: Scene) -> None:
    """Stand-ins, our image, and the image again after a template was changed."""
    report, engine = scene.report, scene.engine
    with report.step(f"stand-ins for {', '.join(STANDS_IN)}"):
        build_stand_ins(engine)
    log = engine.folder / "build.log"
    with exported(REPOSITORY, engine.folder) as source:
        with report.step("build the image"):
            build_ours(engine, source, IMAGE, log=log)
        report.figure("size of the image, with the stand-in below it", f"{engine.image_size(IMAGE) / 1e6:.0f} MB")
        report.figure("of that the stand-in", f"{engine.image_size('localhost/ses-ops-stand-in-python') / 1e6:.0f} MB")
        with report.step("build it again after a change of one template"):
            template = next((source / "include/templates").rglob("*.html"))
            template.write_text(template.read_text() + "<!-- changed -->\n")
            build_ours(engine, source, "localhost/ses-ops:changed", log=log)
            assert "install.sh dependencies" not in _run_again(log.read_text()), "the packages were installed again"
        engine.run("rmi", "localhost/ses-ops:changed")
    with report.step("what is in the image"):
        _check_contents(scene)


def _run_again(log: str) -> str:
    """The steps that were not taken from the builder's cache."""
    lines = log.splitlines()
    return "\n".join(
        one for one, after in zip(lines, [*lines[1:], ""], strict=True) if "STEP" in one and "Using cache" not in after
    )


def _check_contents(scene: Scene) -> None:
    look = (
        "for one in gcc cc make ld g++ git; do command -v $one; done;"
        " find / -xdev \\( -name .git -o -name .env -o -path '/root/.cache' \\) 2>/dev/null;"
        " ls -d /opt/ses-ops/tests /opt/ses-ops/bench 2>/dev/null; true"
    )
    found = scene.engine.run("run", "--rm", "--network=none", "--user=0", IMAGE, "sh", "-c", look)
    assert not found.strip(), f"in the image, and should not be: {found}"
    who = scene.engine.inspect(IMAGE, "image")["User"]
    assert who == "50000:0", who
    history = scene.engine.run("history", "--no-trunc", "--format", "{{.CreatedBy}}", IMAGE)
    for word in ("PASSWORD", "SECRET", "FERNET"):
        assert word not in history.upper(), f"{word} in a layer's history"
