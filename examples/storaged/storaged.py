"""storaged: a daemon that keeps disks, and a QMP interface that describes itself.

    python examples/storaged/storaged.py unix:/tmp/storaged.sock --disk memory,id=a,size=1G

storaged.json says what there is; here is what it does. A command's arguments arrive checked and
typed, so the functions below look only for what a schema cannot say. disks.py and jobs.py know
nothing of QMP but the errors that they raise.
"""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from disks import Disk, Disks, Snapshot
from drivers import find_driver
from jobs import Job, JobEnd, Jobs
from qscope.errors import QscopeError
from qscope.serve import UNSET, Context, Policy, RefusalError, Server, Wire, open_source
from qscope.serve.command_line import build_click

SCHEMA = Path(__file__).parent / "storaged.json"
_SPEED = 64 << 20


class Storaged:
    """The commands of storaged; a method each, with the context and the arguments."""

    def __init__(self, server: Server, *, speed: int) -> None:
        self._server = server
        self._speed = speed
        self._disks = Disks()
        self._jobs = Jobs(server.emit)
        server.limit_rate("JOB_PROGRESS", seconds=1.0, key="id")
        server.add_command("disk-add", self.add_disk)
        server.add_command("disk-remove", self.remove_disk)
        server.add_command("disk-resize", self.resize_disk)
        server.add_command("query-disks", self.query_disks)
        server.add_command("snapshot-create", self.create_snapshot)
        server.add_command("query-snapshots", self.query_snapshots)
        server.add_command("query-jobs", self.query_jobs)
        server.add_command("job-wait", self.wait_for_job)
        server.add_command("job-cancel", self.cancel_job)
        server.add_command("driver-load", self.load_driver)
        server.add_command("driver-unload", self.unload_driver)
        server.add_command("storaged-quit", self.quit)

    # Disks. The members of a union's branch are attributes like the others.

    def add_disk(self, _: Context, args: Any) -> Disk:
        """Add a disk. What is returned is checked against the schema, then sent."""
        return self._disks.add(args)

    def remove_disk(self, _: Context, args: Any) -> None:
        """Remove a disk, at once or after the job that works on it."""
        self._disks.find(args.id)
        job = self._jobs.find_worker(args.id)
        # An optional member that is absent is UNSET, which is false.
        if job and not args.force:
            raise RefusalError(f"Job '{job.id}' copies disk '{args.id}'")
        self._disks.remove(args.id)
        if job:
            self._jobs.cancel(job.id)
        self._server.emit("DISK_GONE", id=args.id, reason="forced" if job else "removed")

    def resize_disk(self, _: Context, args: Any) -> None:
        """Give a disk another size."""
        self._disks.resize(args.id, args.size, shrink=bool(args.shrink))

    def query_disks(self, _: Context) -> list[Disk]:
        """List the disks. A command without arguments needs no parameter for them."""
        return self._disks.list_all()

    # Snapshots and jobs.

    def create_snapshot(self, _: Context, args: Any) -> None:
        """Begin to copy a disk; the job outlives the command."""
        disk = self._disks.check_snapshot(args.disk, args.name)
        snapshot = Snapshot(disk=disk.id, name=args.name, size=disk.size)
        job = Job(id=args.job_id, disk=disk.id, len=disk.size)
        speed = self._speed if args.speed is UNSET else args.speed
        self._jobs.start(job, speed, lambda: self._disks.add_snapshot(snapshot))

    def query_snapshots(self, _: Context, args: Any) -> list[Snapshot]:
        """List the snapshots."""
        return self._disks.list_snapshots(args.disk)

    def query_jobs(self, _: Context) -> list[Job]:
        """List the jobs."""
        return self._jobs.list_all()

    async def wait_for_job(self, _: Context, args: Any) -> JobEnd:
        """Wait for a job; meanwhile the client's next commands wait, others' do not."""
        return await self._jobs.wait(args.id)

    def cancel_job(self, _: Context, args: Any) -> None:
        """Cancel a job; it must not wait for anything, since clients run it out of band."""
        self._jobs.cancel(args.id)

    # Drivers.

    def load_driver(self, _: Context, args: Any) -> None:
        """Add a branch to the arguments of disk-add; introspection changes at once."""
        if args.name in self._disks.drivers:
            raise RefusalError(f"Driver '{args.name}' is loaded already")
        driver = find_driver(args.name)
        self._server.register_driver("disk-add", args.name, driver.OPTIONS)
        self._disks.drivers[args.name] = driver

    def unload_driver(self, _: Context, args: Any) -> None:
        """Take the branch away."""
        self._disks.unload(args.name)
        self._server.unregister_driver("disk-add", args.name)

    # The daemon.

    def quit(self, _: Context) -> None:
        """End; the reply is sent before."""
        self._server.stop()

    def add_first_disks(self, disks: Any) -> None:
        """Add the disks of the command line. Raises RefusalError."""
        for options in disks:
            self._disks.add(options)

    def run(self, addresses: tuple[str, ...]) -> None:
        """Serve until somebody ends it: a client, or a signal. Raises ServeError."""
        # Who waits for a job is not to hold up the end.
        self._server.run(*addresses, ready=_tell_where, ending=self._jobs.cancel_all)


def make_storaged(options: Any) -> Storaged:
    """Return the daemon that the command line asks for. Raises RefusalError."""
    server = Server(
        SCHEMA,
        version="1.1.0",
        package="qscope's example",
        command_line="StoragedOptions",
        policy=_make_policy(options.compat),
        wire=Wire(pretty=bool(options.pretty)),
    )
    speed = _SPEED if options.job_speed is UNSET else options.job_speed
    storaged = Storaged(server, speed=speed)
    storaged.add_first_disks(options.disk or [])
    return storaged


def _make_policy(compat: Any) -> Policy:
    """Return what --compat says; CompatPolicy has the members of Policy."""
    given = {} if compat is UNSET else msgspec.structs.asdict(compat)
    return Policy(**{name: each for name, each in given.items() if each is not UNSET})


@click.command()
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@build_click(open_source(SCHEMA), "StoragedOptions")
def main(addresses: tuple[str, ...], options: Any) -> None:
    """Keep disks, and serve QMP at each ADDRESS: unix:PATH, tcp:HOST:PORT, fd:N or stdio."""
    try:
        make_storaged(options).run(addresses)
    except QscopeError as error:
        raise click.ClickException(str(error)) from error


def _tell_where(addresses: list[str]) -> None:
    print("storaged: serving at", *addresses, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
