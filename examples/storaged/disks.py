"""Disks and their snapshots.

In: options as `disk-add` takes them. Out: `Disk`s, which are what `query-disks` answers.
"""

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct, UnsetType

from qscope.serve import RefusalError

if TYPE_CHECKING:
    from drivers import Driver


class Disk(Struct, kw_only=True):
    """A disk: DiskInfo of the schema, and so a result as it stands."""

    id: str
    driver: str
    size: int
    access: str
    where: str
    backing: str | UnsetType = UNSET


class Snapshot(Struct, kw_only=True):
    """A snapshot: SnapshotInfo of the schema."""

    disk: str
    name: str
    size: int


class Disks:
    """All disks, by their names, and what drivers were loaded for them."""

    def __init__(self) -> None:
        self._disks: dict[str, Disk] = {}
        self._snapshots: list[Snapshot] = []
        self.drivers: dict[str, Driver] = {}

    def list_all(self) -> list[Disk]:
        """Return all disks."""
        return list(self._disks.values())

    def find(self, name: str) -> Disk:
        """Return a disk. Raises RefusalError."""
        if name not in self._disks:
            raise RefusalError(f"Disk '{name}' not found", "DeviceNotFound")
        return self._disks[name]

    def add(self, options: Any) -> Disk:
        """Add a disk, and the one below it if that is new. Raises RefusalError."""
        if options.id in self._disks:
            raise RefusalError(f"Disk '{options.id}' is there already")
        access = _find_access(options)
        if options.driver == "memory":
            disk = _make_disk(options, access, options.size, "memory")
        elif options.driver == "overlay":
            disk = self._make_overlay(options, access)
        else:
            driver = self.drivers[options.driver]
            disk = _make_disk(options, access, driver.measure(options), driver.locate(options))
        self._disks[disk.id] = disk
        return disk

    def _make_overlay(self, options: Any, access: str) -> Disk:
        # An alternate's value is of the type of its branch.
        if isinstance(options.backing, str):
            below = self.find(options.backing)
        else:
            _refuse_cycle(options)
            below = self.add(options.backing)
        disk = _make_disk(options, access, below.size, f"over {below.id}")
        disk.backing = below.id
        return disk

    def remove(self, name: str) -> None:
        """Remove a disk and its snapshots. Raises RefusalError."""
        disk = self.find(name)
        above = [each.id for each in self._disks.values() if each.backing == name]
        if above:
            raise RefusalError(f"Disk '{name}' backs '{above[0]}'")
        del self._disks[disk.id]
        self._snapshots = [each for each in self._snapshots if each.disk != name]

    def resize(self, name: str, size: int, *, shrink: bool) -> None:
        """Give a disk another size. Raises RefusalError."""
        disk = self.find(name)
        if disk.access == "read-only":
            raise RefusalError(f"Disk '{name}' is read-only")
        if size < disk.size and not shrink:
            raise RefusalError(f"Disk '{name}' would lose data: 'shrink' allows that")
        disk.size = size

    # Snapshots.

    def check_snapshot(self, disk: str, name: str) -> Disk:
        """Return the disk of a snapshot that is to be. Raises RefusalError."""
        found = self.find(disk)
        if any((each.disk, each.name) == (disk, name) for each in self._snapshots):
            raise RefusalError(f"Disk '{disk}' has a snapshot '{name}' already")
        return found

    def add_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot."""
        self._snapshots.append(snapshot)

    def list_snapshots(self, disk: str | UnsetType) -> list[Snapshot]:
        """Return the snapshots of a disk, or all. Raises RefusalError."""
        if disk is not UNSET:
            self.find(disk)
        return [each for each in self._snapshots if disk in (UNSET, each.disk)]

    # Drivers.

    def unload(self, name: str) -> None:
        """Forget a driver. Raises RefusalError."""
        if name not in self.drivers:
            raise RefusalError(f"Driver '{name}' is not loaded")
        users = [each.id for each in self._disks.values() if each.driver == name]
        if users:
            raise RefusalError(f"Driver '{name}' keeps the data of disk '{users[0]}'")
        del self.drivers[name]


def _make_disk(options: Any, access: str, size: int, where: str) -> Disk:
    return Disk(id=options.id, driver=options.driver, size=size, access=access, where=where)


def _find_access(options: Any) -> str:
    """Return what may be done with a disk, by today's member or the one before."""
    if options.read_only is UNSET:
        return "read-write" if options.access is UNSET else str(options.access)
    if options.access is not UNSET:
        raise RefusalError("'access' and 'read-only' exclude each other")
    return "read-only" if options.read_only else "read-write"


def _refuse_cycle(options: Any) -> None:
    """Refuse a disk that would lie over one of its own name. Raises RefusalError."""
    below = options.backing
    while not isinstance(below, str):
        if below.id == options.id:
            raise RefusalError(f"Disk '{options.id}' cannot lie over itself")
        if below.driver != "overlay":
            break
        below = below.backing
