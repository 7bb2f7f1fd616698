//! How much memory there is for this process: of the machine, and of the control groups that it is in.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The bytes that can be taken without anybody being short: what the machine has available now, or the smallest limit of
/// this process's control groups where that is less. `None` where the system tells neither.
pub fn memory_available() -> Option<u64> {
    let read = |file: &Path| fs::read_to_string(file).ok();
    available(&read)
}

/// The same, with the system's files as an argument.
fn available(read: &dyn Fn(&Path) -> Option<String>) -> Option<u64> {
    let machine = read(Path::new("/proc/meminfo")).as_deref().and_then(of_machine);
    let groups = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let limits = limit_files(&groups).into_iter().filter_map(|file| of_group(&read(&file)?));
    limits.chain(machine).min()
}

/// `MemAvailable` of `/proc/meminfo` (proc(5)), in bytes.
fn of_machine(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1_024)
}

/// The limit of a control group, in bytes; `None` for `max`.
fn of_group(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// Where the limits of the groups of `/proc/self/cgroup` (cgroups(7)) stand, and those of the groups that these are in. In a
/// container a group is often seen as the root, under its own name or under that of outside: all places are looked at.
fn limit_files(groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { continue };
        let (root, name) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            list if list.split(',').any(|one| one == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _other => continue,
        };
        let within = Path::new(group.trim_start_matches('/'));
        files.extend(within.ancestors().map(|group| Path::new(root).join(group).join(name)));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: &str = "MemTotal:       24000000 kB\nMemFree:         1000 kB\nMemAvailable:   20000000 kB\n";

    fn check(files: &[(&str, &str)], due: Option<u64>) {
        let read =
            |file: &Path| files.iter().find(|(name, _)| Path::new(name) == file).map(|(_, text)| (*text).to_owned());
        assert_eq!(available(&read), due, "{files:?}");
    }

    #[test]
    fn the_least_of_machine_and_groups_counts() {
        let machine = ("/proc/meminfo", MACHINE);
        let group = ("/proc/self/cgroup", "0::/a.slice/b.service\n");
        check(&[], None);
        check(&[machine], Some(20_480_000_000));
        check(&[machine, group, ("/sys/fs/cgroup/a.slice/b.service/memory.max", "max\n")], Some(20_480_000_000));
        check(&[machine, group, ("/sys/fs/cgroup/a.slice/b.service/memory.max", "1000\n")], Some(1_000));
        check(&[machine, group, ("/sys/fs/cgroup/a.slice/memory.max", "2000\n")], Some(2_000));
        check(&[machine, ("/proc/self/cgroup", "0::/\n"), ("/sys/fs/cgroup/memory.max", "3000\n")], Some(3_000));
        check(&[group, ("/sys/fs/cgroup/a.slice/memory.max", "4000\n")], Some(4_000));
    }

    #[test]
    fn groups_of_the_first_version_count_too() {
        let groups = ("/proc/self/cgroup", "9:cpu,cpuacct:/x\n4:memory:/docker/1\n0::/\n");
        let limit = |file, text| [groups, ("/proc/meminfo", MACHINE), (file, text)];
        check(&limit("/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "5000"), Some(5_000));
        check(&limit("/sys/fs/cgroup/memory/memory.limit_in_bytes", "6000"), Some(6_000));
        // No limit, as the first version says it.
        check(&limit("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712"), Some(20_480_000_000));
    }

    #[test]
    fn this_machine_tells() {
        assert!(memory_available().is_some_and(|bytes| bytes > 1 << 20));
    }
}
