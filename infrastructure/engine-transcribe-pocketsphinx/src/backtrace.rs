//! Reads the program's log: a table of words per stretch. Knows the log of 0.8+5prealpha; keeps no text.

/// A line of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// As the dictionary spells it, without pronunciation mark.
    pub text: String,
    /// Its first frame, counted from the stretch's first.
    pub first_frame: u64,
    /// Its last frame, itself included.
    pub last_frame: u64,
    /// Posterior probability, 0 to 1.
    pub confidence: f32,
}

/// Reads a log line by line.
#[derive(Default)]
pub(crate) struct Reader {
    in_table: bool,
    rows: Vec<Row>,
}

impl Reader {
    /// Takes a line; when it ends a stretch, gives the stretch's name and its words, fillers left out.
    pub(crate) fn read(&mut self, line: &str) -> Option<(usize, Vec<Row>)> {
        if is_header(line) || line.contains(": Decoding '") {
            // A stretch may have several tables, one per pass; the last is the result.
            self.rows.clear();
            self.in_table = is_header(line);
            return None;
        }
        if let Some(name) = ended(line) {
            self.in_table = false;
            return Some((name, std::mem::take(&mut self.rows)));
        }
        // Other lines of the log may stand between the header and the rows.
        self.rows.extend(row(line).filter(|row| self.in_table && is_word(&row.text)));
        None
    }
}

/// `word  start end  pprob ascr lscr lback`
fn is_header(line: &str) -> bool {
    let mut columns = line.split_whitespace();
    columns.next() == Some("word") && columns.next() == Some("start") && columns.next() == Some("end")
}

/// `<name> done --------------------------------------`
fn ended(line: &str) -> Option<usize> {
    let (name, rest) = line.split_once(" done ---")?;
    rest.chars().all(|character| character == '-').then(|| name.parse().ok()).flatten()
}

/// `telescopes  496  577  0.961  -1809408  -944  1`
fn row(line: &str) -> Option<Row> {
    let mut columns = line.split_whitespace();
    let text = columns.next()?;
    let first_frame = columns.next()?.parse().ok()?;
    let last_frame = columns.next()?.parse().ok()?;
    let confidence: f32 = columns.next()?.parse().ok()?;
    if columns.count() != 3 || last_frame < first_frame {
        return None;
    }
    // `clamp` keeps NaN; a probability that is no number is none at all.
    let confidence = if confidence.is_nan() { 0.0 } else { confidence.clamp(0.0, 1.0) };
    Some(Row { text: without_mark(text).to_owned(), first_frame, last_frame, confidence })
}

/// Silence, noise and breath stand in angle or square brackets or between plus signs.
fn is_word(text: &str) -> bool {
    !(text.is_empty() || text.starts_with(['<', '[']) || text.starts_with("++"))
}

/// `the(2)` is another pronunciation of `the`.
fn without_mark(text: &str) -> &str {
    match text.rsplit_once('(') {
        Some((word, mark)) if mark.strip_suffix(')').is_some_and(|digits| digits.parse::<u32>().is_ok()) => word,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(log: &str) -> Vec<(usize, Vec<Row>)> {
        let mut reader = Reader::default();
        log.lines().filter_map(|line| reader.read(line)).collect()
    }

    fn word(text: &str, first_frame: u64, last_frame: u64, confidence: f32) -> Row {
        Row { text: text.to_owned(), first_frame, last_frame, confidence }
    }

    const LOG: &str = "\
INFO: batch.c(729): Decoding '3'
INFO: cmn.c(133): CMN: 52.24 14.66
word                 start end   pprob ascr       lscr       lback
<s>                  0     9     0.999 -200704    0          1
the(2)               10    24    0.903 -452608    -190       2
INFO: pocketsphinx.c(1168): the spacecraft o'clock (-46016)
word                 start end   pprob ascr       lscr       lback
INFO: ngram_search.c(1025): bestpath 0.00 CPU 0.000 xRT
<s>                  0     9     0.999 -200704    0          1
the(2)               10    24    0.903 -452608    -190       2
spacecraft           25    126   1.973 -1881088   -655       3
<sil>                127   160   0.997 -305152    -524288    3
++um++               161   170   0.997 -305152    -524288    3
[NOISE]              171   180   0.997 -305152    -524288    3
o'clock              181   190   -nan  -305152    -5         3
INFO: ngram_search.c(873): bestpath 0.01 wall 0.001 xRT
the spacecraft o'clock (3 -46016)
3 done --------------------------------------
stray                1     2     0.5 -1 -1 1
INFO: batch.c(729): Decoding '4'
 (4 0)
4 done --------------------------------------
";

    #[test]
    fn gives_the_words_of_the_last_table_without_fillers_and_marks() {
        let first = vec![word("the", 10, 24, 0.903), word("spacecraft", 25, 126, 1.0), word("o'clock", 181, 190, 0.0)];
        assert_eq!(read(LOG), [(3, first), (4, vec![])]);
    }

    #[test]
    fn a_log_that_breaks_off_gives_only_what_was_finished() {
        let broken = &LOG[..LOG.find("3 done").unwrap()];
        assert_eq!(read(broken), []);
        assert_eq!(read("ERROR: \"batch.c\", line 389: Failed to open\n"), []);
        assert_eq!(read("word of mouth done ---\nx done ---\n7 done -- no\n"), []);
    }
}
