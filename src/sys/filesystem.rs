//! The file system that a path is on.

use std::io;
use std::path::Path;

use nix::sys::statfs::statfs;

/// `TMPFS_MAGIC` and `RAMFS_MAGIC` (`linux/magic.h`).
const IN_MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];

/// Whether the files at `path` are in memory only, on tmpfs or ramfs, and lost when the device restarts.
///
/// # Errors
///
/// The path does not exist or can't be reached (`statfs(2)`).
pub fn is_in_memory(path: &Path) -> io::Result<bool> {
    // The field's width and sign depend on the platform; a number has 32 bits everywhere.
    let [a, b, c, d, ..] = statfs(path)?.filesystem_type().0.to_le_bytes();
    Ok(IN_MEMORY.contains(&u32::from_le_bytes([a, b, c, d])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_in_memory_are_in_memory() {
        assert!(!is_in_memory(Path::new("/proc")).unwrap());
        assert_eq!(is_in_memory(Path::new("/proc/0")).unwrap_err().kind(), io::ErrorKind::NotFound);
        // Every mount of tmpfs or ramfs, and of one disk file system.
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        for mount in mounts.lines() {
            let mut fields = mount.split(' ').skip(1);
            let (Some(path), Some(kind)) = (fields.next(), fields.next()) else { continue };
            // A later mount on the same path hides this one.
            if matches!(kind, "tmpfs" | "ramfs" | "ext4") && mounts.matches(&format!(" {path} ")).count() == 1 {
                let found = is_in_memory(Path::new(path));
                assert!(found.is_err() || found.unwrap() == (kind != "ext4"), "{mount}");
            }
        }
    }
}
