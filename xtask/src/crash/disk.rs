//! A disk whose power can be cut: an image with two file systems, and clones of it.
//!
//! The image is a file on XFS, in memory, which clones a file at once and as it is at that moment (`cp --reflink=always`). What ext4
//! inside of the image has not written to its device yet, the clone does not hold: that is what a power cut takes. Mounted, a
//! clone recovers as after one.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use rustix::process::geteuid;

use crate::places;

/// How large each of the two file systems is.
const PART_BYTES: u64 = 256 << 20;

/// How much the clones may hold in all; the file is sparse.
const STORE_BYTES: u64 = 16 << 30;

/// In the order in which they are mounted.
const MOUNT_POINTS: [&str; 4] = ["memory", "store", "out", "state"];

/// What no other write makes durable by chance, ext4 would after 5 s: it has longer here.
const OPTIONS: &str = "noatime,commit=300";

/// What is missing on this machine, if anything.
pub(crate) fn missing() -> Option<String> {
    if !geteuid().is_root() {
        return Some("cutting the power needs root".to_owned());
    }
    if !Path::new("/dev/loop-control").exists() {
        return Some("there are no loop devices on this machine".to_owned());
    }
    let tools = ["mkfs.xfs", "mkfs.ext4", "mount", "umount"];
    let absent = tools.into_iter().find(|tool| places::tool(tool).is_none() && !in_sbin(tool));
    absent.map(|tool| format!("there is no {tool} on this machine"))
}

fn in_sbin(tool: &str) -> bool {
    ["/sbin", "/usr/sbin"].iter().any(|folder| Path::new(folder).join(tool).exists())
}

/// The image and its mount points, all below one folder.
pub(crate) struct Disk {
    store: Mounted,
    /// What is synced is quickly synced here; a power cut is played, so that nobody has to wait for a real disk.
    _memory: Mounted,
    folder: PathBuf,
    /// What the mount points show.
    image: PathBuf,
    parts: Vec<Mounted>,
}

/// A moment to go back to.
#[derive(Debug)]
pub(crate) struct Cut {
    image: PathBuf,
}

impl Disk {
    /// Makes and mounts it.
    pub(crate) fn make(folder: &Path) -> Result<Self> {
        clear_away(folder)?;
        let [memory, store, out, state] = MOUNT_POINTS.map(|name| folder.join(name));
        for mount_point in [&memory, &store, &out, &state] {
            fs::create_dir_all(mount_point)?;
        }
        let memory = Mounted::mount(Path::new("tmpfs"), &memory, "size=8g", &["-t", "tmpfs"])?;
        let store_image = memory.at.join("store.img");
        File::create(&store_image)?.set_len(STORE_BYTES)?;
        run(Command::new("mkfs.xfs").args(["-q", "-m", "reflink=1"]).arg(&store_image))?;
        let store = Mounted::mount(&store_image, &store, "loop,noatime", &[])?;
        let image = store.at.join("disk.img");
        File::create(&image)?.set_len(2 * PART_BYTES)?;
        for part in 0..2 {
            let offset = format!("offset={}", part * PART_BYTES);
            let mut mkfs = Command::new("mkfs.ext4");
            mkfs.args([
                "-q",
                "-F",
                "-E",
                &format!("{offset},lazy_itable_init=0"),
                "-O",
                "^metadata_csum_seed",
            ]);
            run(mkfs.arg(&image).arg(format!("{}k", PART_BYTES >> 10)))?;
        }
        let mut disk =
            Self { store, _memory: memory, folder: folder.to_owned(), image, parts: Vec::new() };
        disk.mount()?;
        Ok(disk)
    }

    /// Where the output goes.
    pub(crate) fn output_folder(&self) -> PathBuf {
        self.folder.join("out")
    }

    /// Where a state goes that is to lie on another file system than the output.
    pub(crate) fn state_folder(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Keeps what the disk would hold if the power went now.
    pub(crate) fn cut(&self, number: usize) -> Result<Cut> {
        let image = self.store.at.join(format!("cut-{number}.img"));
        run(Command::new("cp").arg("--reflink=always").arg(&self.image).arg(&image))?;
        Ok(Cut { image })
    }

    /// Goes back to a cut: from now on the mount points show what it held. What was before it is forgotten.
    pub(crate) fn go_back_to(&mut self, cut: Cut) -> Result<()> {
        self.parts.clear();
        fs::remove_file(&self.image)?;
        self.image = cut.image;
        self.mount()
    }

    /// Copies what the mount points show, to be looked at.
    pub(crate) fn keep(&self) -> Result<()> {
        let kept = self.folder.join("kept");
        fs::create_dir_all(&kept)?;
        let shown = [self.output_folder(), self.state_folder()];
        run(Command::new("cp").args(["--archive", "--sparse=always"]).args(shown).arg(kept))
    }

    fn mount(&mut self) -> Result<()> {
        for (part, at) in [self.output_folder(), self.state_folder()].iter().enumerate() {
            let offset = part as u64 * PART_BYTES;
            let options = format!("loop,offset={offset},sizelimit={PART_BYTES},{OPTIONS}");
            self.parts.push(Mounted::mount(&self.image, at, &options, &[])?);
        }
        Ok(())
    }
}

/// Whether a cut takes what was not synced, and nothing else: otherwise no run would show anything.
pub(crate) fn check_cut(folder: &Path) -> Result<()> {
    let mut disk = Disk::make(folder)?;
    let [synced, forgotten] = ["synced", "forgotten"].map(|name| disk.output_folder().join(name));
    fs::write(&forgotten, "forgotten")?;
    File::open(&forgotten)?.sync_all()?;
    fs::write(&synced, "synced")?;
    File::open(&synced)?.sync_all()?;
    File::open(disk.output_folder())?.sync_all()?;
    fs::write(&forgotten, "forgotten, and changed")?;
    fs::rename(&synced, synced.with_extension("renamed"))?;
    let cut = disk.cut(0)?;
    disk.go_back_to(cut)?;
    ensure!(fs::read_to_string(&synced)? == "synced", "a cut took what was synced");
    let changed = fs::read_to_string(&forgotten)?;
    ensure!(!changed.contains("changed"), "a cut kept what was not synced");
    let renamed = synced.with_extension("renamed").exists();
    ensure!(!renamed, "a cut kept a name that was not synced");
    Ok(())
}

/// A mounted file system; dropped, it is no longer.
struct Mounted {
    at: PathBuf,
}

impl Mounted {
    fn mount(image: &Path, at: &Path, options: &str, more: &[&str]) -> Result<Self> {
        run(Command::new("mount").args(more).args(["-o", options]).arg(image).arg(at))?;
        Ok(Self { at: at.to_owned() })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Where somebody still looks into it, it goes when they have looked.
        if run(Command::new("umount").arg(&self.at)).is_err() {
            run(Command::new("umount").arg("--lazy").arg(&self.at)).ok();
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The inner ones first.
        self.parts.clear();
    }
}

/// Takes down what an earlier run has left, which may have been stopped in its middle.
fn clear_away(folder: &Path) -> Result<()> {
    for name in MOUNT_POINTS.iter().rev() {
        let at = folder.join(name);
        let is_mounted = || {
            let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
            mounts.lines().any(|line| line.split(' ').nth(1) == at.to_str())
        };
        while is_mounted() {
            run(Command::new("umount").arg(&at))
                .with_context(|| format!("{} is in use", at.display()))?;
        }
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}

fn run(command: &mut Command) -> Result<()> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let output = command.env("PATH", path).stdin(Stdio::null()).stderr(Stdio::piped()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} ended with {}: {said}", output.status);
    Ok(())
}
