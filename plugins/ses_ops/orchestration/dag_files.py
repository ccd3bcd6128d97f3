"""The DAG files of ses-ops as Airflow knows them: bundle, name and version.

A team may keep DAG files anywhere: in a bundle of any name, in one of several, in a subfolder, in a git repository, in
a zip. Airflow's own metadata says where Airflow last read the files, and that is taken as true. Of several copies the
one that was read last wins, as in Airflow itself, which has one row for each DAG.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ses_ops.domain.send_task import DAG_ID_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

#: The file that makes the DAGs of send tasks, and the DAGs of the files beside it.
SEND_TASKS = "send_tasks.py"
SIBLINGS = ("ses_test_send", "ses_maintenance", "ses_bounce_mailbox")
#: The DAG files of ses-ops; then texts of which each of these files has one, wherever it is.
OUR_FILES = (SEND_TASKS, "ses_test_send.py", "ses_maintenance.py", "ses_bounce_mailbox.py")
#: (`operators` was the name of that package in version 0.1.0.)
_OURS = (b"ses_ops.orchestration", b"ses_ops.operators")
#: Depths below the top of a bundle at which a file is looked for that Airflow has not read yet.
_DEPTHS = ("", "*/", "*/*/")


@dataclass(frozen=True, kw_only=True)
class DagFile:
    """A DAG file as Airflow knows it."""

    bundle: str
    #: The path within the bundle; for a file in a zip it continues within the zip.
    relative: str
    #: The path on the machine that read the file; this machine need not have the file.
    path: Path
    version: str | None = None
    #: The data that the bundle stored with its version (Airflow 3.3).
    version_data: dict[str, Any] | None = field(default=None, compare=False)

    @property
    def read_from(self) -> Path:
        """The file that the DAG processor opens: for a file in a zip the zip."""
        head, ending, _ = str(self.path).partition(".zip/")
        zipped = Path(head + ".zip")
        # A folder may have a name that ends in .zip, too. On a machine that has neither, a zip is more likely.
        return zipped if ending and not zipped.is_dir() else self.path

    @property
    def packed(self) -> bool:
        """Whether the file is in a zip."""
        return self.read_from != self.path

    @property
    def asked_for(self) -> str:
        """The file's name in a parse request."""
        return self.relative.removesuffix(str(self.path).removeprefix(str(self.read_from)))

    @property
    def bundle_path(self) -> Path | None:
        """The top of the bundle on the machine that read it; None when `path` does not end in `relative`."""
        top = str(self.path).removesuffix(self.relative)
        return Path(top) if top != str(self.path) and top.endswith("/") else None


def send_tasks_file(session: Session) -> DagFile | None:
    """The file that makes the DAGs of send tasks; None when Airflow does not know the file and no bundle has it."""
    dag = session.scalars(_ours().limit(1)).first()
    if dag is None:
        return next(_on_disk(session), None)
    found = DagFile(
        bundle=dag.bundle_name,
        relative=str(dag.relative_fileloc),
        path=Path(str(dag.fileloc)),
        version=dag.bundle_version,
        version_data=_version_data(session, dag),
    )
    if dag.dag_id not in SIBLINGS or found.packed:
        return found  # a zip is read as a whole
    beside = replace(
        found, relative=str(Path(found.relative).with_name(SEND_TASKS)), path=found.path.with_name(SEND_TASKS)
    )
    missing = found.path.is_file() and not beside.path.is_file()
    return next(_on_disk(session), None) if missing else beside


def copies(session: Session) -> set[tuple[str, str]]:
    """Every (bundle, folder in it) from which Airflow reads the files of ses-ops, or will. There should be one."""
    from airflow.models.dag import DagModel

    columns = (DagModel.bundle_name, DagModel.relative_fileloc)
    fresh = _ours().with_only_columns(*columns).where(DagModel.is_stale.is_(False)).order_by(None).distinct()
    known = {(str(bundle), str(Path(relative).parent)) for bundle, relative in session.execute(fresh)}
    return known | {(one.bundle, str(Path(one.relative).parent)) for one in _on_disk(session)}


def _ours() -> Any:
    """A query of the DAGs of ses-ops: fresh before stale, those of send tasks first, the newest parse first."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from sqlalchemy import or_, select

    of_task = DagModel.dag_id.startswith(DAG_ID_PREFIX, autoescape=True)
    return (
        select(DagModel)
        .join(DagBundleModel, DagBundleModel.name == DagModel.bundle_name)
        .where(
            or_(of_task, DagModel.dag_id.in_(SIBLINGS)),
            DagBundleModel.active.is_(True),
            DagModel.relative_fileloc.is_not(None),
            DagModel.fileloc.is_not(None),
        )
        .order_by(DagModel.is_stale, of_task.desc(), DagModel.last_parsed_time.desc().nulls_last())
    )


def _version_data(session: Session, dag: Any) -> dict[str, Any] | None:
    from airflow.models.dag_version import DagVersion

    if dag.bundle_version is None or not hasattr(DagVersion, "version_data"):
        return None
    newest = DagVersion.get_latest_version(dag.dag_id, session=session)
    return newest.version_data if newest is not None and newest.bundle_version == dag.bundle_version else None


def _on_disk(session: Session) -> Iterator[DagFile]:
    """The file of send tasks in bundles that are folders of this machine, for the minutes before Airflow has read it.

    No bundle is initialised, because that may clone a repository, and needs credentials that this process may not have.
    """
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.models.dagbundle import DagBundleModel
    from sqlalchemy import select

    active = set(session.scalars(select(DagBundleModel.name).where(DagBundleModel.active.is_(True))))
    try:
        bundles = [one for one in DagBundlesManager().get_all_dag_bundles() if one.name in active]
    except Exception as problem:  # a bundle's class that this process does not have, a list that is wrong
        log.warning("the DAG bundles cannot be listed: %s", problem)
        return
    for bundle in bundles:
        try:
            yield from _in_folder(bundle.name, Path(bundle.path))
        except OSError as problem:
            log.warning("the DAG bundle %r cannot be read: %s", bundle.name, problem)


def _in_folder(bundle: str, top: Path) -> Iterator[DagFile]:
    for depth in _DEPTHS:
        for path in sorted(top.glob(depth + SEND_TASKS)):
            content = path.read_bytes()
            if any(one in content for one in _OURS):
                yield DagFile(bundle=bundle, relative=str(path.relative_to(top)), path=path)
