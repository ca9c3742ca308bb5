//! A file's bytes as snapshot and frames, and what damage to them means.

use crate::frame::{Frame, Kind, Numbers, PROLOGUE_BYTES};

/// What the frames of a file say, as far as they are whole.
#[derive(Debug)]
pub(crate) struct Replay<'b> {
    /// The snapshot that the generation began with, if it had one. Parts of it where [its end](Self::is_begun) is missing.
    pub(crate) snapshot: Option<Vec<u8>>,
    pub(crate) records: Vec<&'b [u8]>,
    /// The boot during which was written last.
    pub(crate) boot_id: &'b [u8],
    /// Whether the snapshot is whole: if it is not, no frame behind it counts.
    pub(crate) is_begun: bool,
    /// Whether the last frame says so.
    pub(crate) is_stopped: bool,
    /// The number that the next frame would have.
    pub(crate) next_sequence: u64,
    /// Where each frame ends, in bytes from the start of the file.
    pub(crate) ends: Vec<usize>,
    /// Where the snapshot ends.
    pub(crate) snapshot_end: usize,
    /// The highest number known synced that a whole frame tells, in front of damage or behind it.
    pub(crate) known_synced: u64,
    /// The records behind the first frame that is not whole.
    pub(crate) behind: Vec<&'b [u8]>,
    /// How many bytes are behind the whole frames, without the zeros of preallocation.
    pub(crate) tail_bytes: usize,
}

impl<'b> Replay<'b> {
    /// Reads the frames behind a file's prologue.
    pub(crate) fn of(frames: &'b [u8], generation: u64) -> Self {
        let mut replay = Self::empty();
        let mut rest = frames;
        while let Some((frame, behind)) = Frame::decode(rest)
            && replay.expects(&frame, generation)
        {
            rest = behind;
            replay.take(&frame, PROLOGUE_BYTES + frames.len() - rest.len());
        }
        replay.look_behind(rest, generation);
        replay
    }

    fn empty() -> Self {
        Self {
            snapshot: None,
            records: Vec::new(),
            boot_id: &[],
            is_begun: false,
            is_stopped: false,
            next_sequence: 0,
            ends: Vec::new(),
            snapshot_end: PROLOGUE_BYTES,
            known_synced: 0,
            behind: Vec::new(),
            tail_bytes: 0,
        }
    }

    /// Where the whole frames end, in bytes from the start of the file.
    pub(crate) fn end(&self) -> usize {
        self.ends.last().copied().unwrap_or(PROLOGUE_BYTES)
    }

    /// Whether a frame that was known to be on the disk is not whole. A snapshot was: its file has its name only since.
    pub(crate) fn is_damaged(&self) -> bool {
        !self.is_begun || self.next_sequence <= self.known_synced
    }

    /// Where the frames that are known to be on the disk end, in bytes from the start of the file.
    pub(crate) fn synced_end(&self) -> usize {
        let not_synced = self.next_sequence.saturating_sub(self.known_synced.saturating_add(1));
        let not_synced = usize::try_from(not_synced).unwrap_or(usize::MAX);
        let synced = self.ends.len().saturating_sub(not_synced);
        let end = synced.checked_sub(1).and_then(|last| self.ends.get(last)).copied();
        end.unwrap_or(PROLOGUE_BYTES).max(self.snapshot_end)
    }

    /// Whether this frame can be the next one. One that cannot is no better than one that is not whole.
    fn expects(&self, frame: &Frame<'_>, generation: u64) -> bool {
        let Numbers { generation: written, sequence, .. } = frame.numbers;
        let in_place = match frame.kind {
            Kind::Start => self.ends.is_empty(),
            Kind::SnapshotPart | Kind::SnapshotEnd => !self.ends.is_empty() && !self.is_begun,
            Kind::Record | Kind::FirstRecord | Kind::Stop => self.is_begun,
        };
        let in_line = self.ends.is_empty() || sequence == self.next_sequence;
        in_place && in_line && written == generation
    }

    fn take(&mut self, frame: &Frame<'b>, end: usize) {
        match frame.kind {
            Kind::Start => self.boot_id = frame.payload,
            Kind::SnapshotPart => {
                self.snapshot.get_or_insert_default().extend_from_slice(frame.payload);
            }
            Kind::SnapshotEnd => {
                if frame.payload == [1] {
                    self.snapshot.get_or_insert_default();
                }
                self.is_begun = true;
                self.snapshot_end = end;
            }
            Kind::Record => self.records.push(frame.payload),
            Kind::FirstRecord => {
                let (boot_id, record) = first_record(frame.payload);
                self.boot_id = boot_id;
                self.records.push(record);
            }
            Kind::Stop => {}
        }
        self.is_stopped = frame.kind == Kind::Stop;
        self.next_sequence = frame.numbers.sequence + 1;
        self.known_synced = self.known_synced.max(frame.numbers.known_synced);
        self.ends.push(end);
    }

    /// Reads on behind what is not whole: a frame there tells what was synced, and so whether that is a torn end or
    /// damage.
    fn look_behind(&mut self, tail: &'b [u8], generation: u64) {
        self.tail_bytes = tail.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let mut rest = tail;
        // What has only zeros left can be no frame: no known type or length is 0.
        let zeros = tail.len() - self.tail_bytes;
        while rest.len() > zeros {
            let next = Frame::may_begin(rest, generation).then(|| Frame::decode(rest)).flatten();
            match next {
                Some((frame, behind)) if frame.numbers.sequence >= self.next_sequence => {
                    self.known_synced = self.known_synced.max(frame.numbers.known_synced);
                    self.behind.extend(record(&frame));
                    rest = behind;
                }
                _ => rest = &rest[1..],
            }
        }
    }
}

/// What was appended, if this frame holds such.
fn record<'b>(frame: &Frame<'b>) -> Option<&'b [u8]> {
    match frame.kind {
        Kind::Record => Some(frame.payload),
        Kind::FirstRecord => Some(first_record(frame.payload).1),
        Kind::Start | Kind::SnapshotPart | Kind::SnapshotEnd | Kind::Stop => None,
    }
}

/// Boot id and record. The checksum was right, so a payload that is too short was never written by us: it is empty.
fn first_record(payload: &[u8]) -> (&[u8], &[u8]) {
    let split = || {
        let (len, rest) = payload.split_first()?;
        rest.split_at_checked(usize::from(*len))
    };
    split().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::encode;

    const GENERATION: u64 = 2;

    /// A file's frames: kind, generation, sequence, known synced. What they hold is their sequence.
    fn frames(frames: &[(Kind, u64, u64, u64)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for &(kind, generation, sequence, known_synced) in frames {
            let numbers = Numbers { generation, sequence, known_synced };
            encode(kind, numbers, &[&[sequence as u8]], &mut bytes);
        }
        bytes.extend([0; 100]);
        bytes
    }

    /// Start and snapshot end of the generation, and then these frames.
    fn begun(behind: &[(Kind, u64, u64, u64)]) -> Vec<u8> {
        let start = [(Kind::Start, GENERATION, 5, 0), (Kind::SnapshotEnd, GENERATION, 6, 0)];
        frames(&[&start, behind].concat())
    }

    /// Which records are read, and which behind what does not follow.
    #[track_caller]
    fn check(bytes: &[u8], records: &[u8], behind: &[u8]) {
        let replay = Replay::of(bytes, GENERATION);
        assert_eq!(replay.records.concat(), records);
        assert_eq!(replay.behind.concat(), behind);
        assert!(replay.is_begun && !replay.is_damaged());
    }

    /// exactly-once, Journal: frames of the same generation.
    #[test]
    fn a_frame_of_another_generation_does_not_follow() {
        check(&begun(&[(Kind::Record, 2, 7, 6), (Kind::Record, 1, 8, 6)]), &[7], &[]);
        check(&begun(&[(Kind::Record, 2, 7, 6), (Kind::Record, 3, 8, 7)]), &[7], &[]);
    }

    #[test]
    fn a_frame_follows_the_one_whose_number_is_one_less() {
        check(&begun(&[(Kind::Record, 2, 7, 6), (Kind::Record, 2, 8, 6)]), &[7, 8], &[]);
        check(&begun(&[(Kind::Record, 2, 7, 6), (Kind::Record, 2, 9, 6)]), &[7], &[9]);
        check(&begun(&[(Kind::Record, 2, 7, 6), (Kind::Record, 2, 7, 6)]), &[7], &[]);
    }

    #[test]
    fn frames_come_in_the_order_of_a_file() {
        check(&begun(&[(Kind::Start, 2, 7, 6)]), &[], &[]);
        check(&begun(&[(Kind::Record, 2, 7, 6), (Kind::SnapshotPart, 2, 8, 7)]), &[7], &[]);
        check(&begun(&[(Kind::Stop, 2, 7, 6), (Kind::Record, 2, 8, 7)]), &[8], &[]);
        let no_start = Replay::of(&frames(&[(Kind::SnapshotEnd, 2, 5, 0)]), 2).is_begun;
        let no_end =
            Replay::of(&frames(&[(Kind::Start, 2, 5, 0), (Kind::Record, 2, 6, 5)]), 2).is_begun;
        assert!(!no_start && !no_end);
    }

    /// A frame that was cut may tell of syncs behind an older one: what has a lower number is of no run that counts.
    #[test]
    fn an_older_frame_behind_the_end_tells_nothing() {
        let bytes =
            begun(&[(Kind::Record, 2, 7, 6), (Kind::Record, 2, 9, 6), (Kind::Record, 2, 6, 5)]);
        check(&bytes, &[7], &[9]);
    }
}
