//! What takes several calls.

use std::{
    io::{self, ErrorKind},
    path::Path,
};

use crate::disk::{Disk, DiskFile};

/// How much is read or written at once.
const STEP_BYTES: usize = 64 << 10;

/// Appends all of `bytes`.
///
/// # Errors
/// Some of them may be there then.
pub fn append_all(file: &mut dyn DiskFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.append(bytes)? {
            0 => return Err(ErrorKind::WriteZero.into()),
            written => bytes = &bytes[written..],
        }
    }
    Ok(())
}

/// Writes all of `bytes` at an offset.
///
/// # Errors
/// Some of them may be there then.
pub fn write_all_at(file: &mut dyn DiskFile, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset)? {
            0 => return Err(ErrorKind::WriteZero.into()),
            written => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
        }
    }
    Ok(())
}

/// Reads from an offset to the end of the file. The memory that it takes is that of what it finds.
///
/// # Errors
/// Those of reading.
pub fn read_to_end(file: &dyn DiskFile, mut offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut step = vec![0; STEP_BYTES];
    loop {
        let count = file.read_at(&mut step, offset)?;
        if count == 0 {
            return Ok(bytes);
        }
        bytes.extend_from_slice(&step[..count]);
        offset += count as u64;
    }
}

/// Makes the names in `folder` durable, and those by which it is found itself.
///
/// # Errors
/// Where one cannot be synced. A parent that may not be opened is left out: it was not made by whoever asks.
pub fn sync_folders(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    disk.sync_folder(folder)?;
    for parent in folder.ancestors().skip(1) {
        match disk.sync_folder(parent) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
            result => result?,
        }
    }
    Ok(())
}

/// Makes a file `len` bytes long where it is shorter, by writing zeros.
pub(crate) fn write_zeros(file: &mut dyn DiskFile, len: u64) -> io::Result<()> {
    let zeros = [0; STEP_BYTES];
    let mut end = file.len()?;
    while end < len {
        let step = usize::try_from(len - end).map_or(STEP_BYTES, |rest| rest.min(STEP_BYTES));
        write_all_at(file, &zeros[..step], end)?;
        end += step as u64;
    }
    Ok(())
}
