//! One hop for many lines: as few child runs as possible, and no answer believed unseen.
//!
//! A sentence whose answer is not intact is translated in a run of its own; if that does not help, the
//! texts between its kept pieces and special characters are translated each by itself and put together
//! again. So nothing is ever lost, at worst some grammar.

use crate::{
    config::ApertiumConfig,
    line::{Line, Piece, tidied},
    stream::{Out, Request, STAND_INS_MAX, is_special, read, resembles_a_stand_in},
};
use application::ports::{
    child::{Child, ChildProcesses},
    engine::EngineError,
};

/// A line after a hop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hopped {
    /// Translated; what stays as it is in later hops is kept.
    pub line: Line,
    /// Words that this hop does not know.
    pub unknown: Vec<String>,
}

/// Translates lines with one mode.
pub struct Hop<'a> {
    /// Program, folder and bounds.
    pub config: &'a ApertiumConfig,
    /// Where the program runs.
    pub children: &'a dyn ChildProcesses,
    /// The mode: `eng-spa`.
    pub mode: &'a str,
}

impl Hop<'_> {
    /// Translates each line; same length, same order.
    pub async fn translate(&self, lines: &[Line]) -> Result<Vec<Hopped>, EngineError> {
        let mut results: Vec<Hopped> =
            lines.iter().map(|line| Hopped { line: line.clone(), unknown: Vec::new() }).collect();
        let wordy: Vec<(usize, Line)> = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.has_words())
            .map(|(place, line)| (place, without_resemblance(line)))
            .collect();
        let mut rest = wordy.as_slice();
        while !rest.is_empty() {
            let (batch, others) = rest.split_at(self.batch_len(rest).clamp(1, rest.len()));
            rest = others;
            let batch_lines: Vec<&Line> = batch.iter().map(|(_, line)| line).collect();
            let outs = self.checked(&batch_lines).await?;
            for ((place, line), out) in batch.iter().zip(outs) {
                let hopped = match out {
                    Some(out) => hopped(line, out),
                    None => self.one(line).await?,
                };
                if let Some(result) = results.get_mut(*place) {
                    *result = hopped;
                }
            }
        }
        Ok(results)
    }

    /// How many of the lines fit into one run.
    fn batch_len(&self, lines: &[(usize, Line)]) -> usize {
        let (mut bytes, mut kept) = (0, 0);
        let fits = |(_, line): &&(usize, Line)| {
            bytes += line.len();
            kept += line.pieces.len();
            bytes <= self.config.batch_bytes_max && kept <= STAND_INS_MAX
        };
        lines.iter().take(self.config.batch_sentences_max).take_while(fits).count()
    }

    /// One run; `None` for each sentence whose answer cannot be trusted.
    async fn checked(&self, lines: &[&Line]) -> Result<Vec<Option<Out>>, EngineError> {
        let request = Request::of(lines, self.mode.starts_with("en"));
        if request.kept.len() > STAND_INS_MAX {
            return Ok(lines.iter().map(|_| None).collect());
        }
        let answer = read(&self.run(&request.input).await?, &request);
        if !answer.complete {
            return Ok(lines.iter().map(|_| None).collect());
        }
        Ok(answer.sentences.into_iter().map(|out| out.intact.then_some(out)).collect())
    }

    /// A sentence that did not come through with others: by itself, else piece by piece.
    async fn one(&self, line: &Line) -> Result<Hopped, EngineError> {
        if let Some(Some(out)) = self.checked(&[line]).await?.pop() {
            return Ok(hopped(line, out));
        }
        let mut result = Hopped::default();
        for piece in bare_pieces(line) {
            match piece {
                Piece::Text(text) if text.chars().any(char::is_alphabetic) => {
                    let request = Request::of(&[&Line { pieces: vec![Piece::Text(text.trim().to_owned())] }], false);
                    let answer = read(&self.run(&request.input).await?, &request);
                    let lead = text.chars().take_while(|c| c.is_whitespace()).collect();
                    let trail: String = text.chars().rev().take_while(|c| c.is_whitespace()).collect();
                    result.line.push(Piece::Text(lead));
                    for out in answer.sentences {
                        out.pieces.into_iter().for_each(|piece| result.line.push(piece));
                        result.unknown.extend(out.unknown);
                    }
                    result.line.push(Piece::Text(trail));
                }
                piece => result.line.push(piece),
            }
        }
        Ok(result)
    }

    async fn run(&self, input: &str) -> Result<String, EngineError> {
        let child = Child::new(&self.config.program)
            .arg("-d")
            .arg(self.config.data_folder.as_os_str())
            .arg("-f")
            .arg("none")
            .arg(self.mode)
            .stdin(input.as_bytes())
            .limits(self.config.limits);
        let output =
            self.children.run(child).await.map_err(|error| EngineError::from_child("translate", "apertium", error))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The line with every word that could be taken for a stand-in kept as it is: no dictionary has it.
fn without_resemblance(line: &Line) -> Line {
    let mut safe = Line::default();
    for piece in &line.pieces {
        match piece {
            Piece::Text(text) if resembles_a_stand_in(text) => {
                for word in text.split_inclusive(' ') {
                    let bare = word.trim_end_matches(' ');
                    if resembles_a_stand_in(bare) {
                        safe.push(Piece::Kept(bare.to_owned()));
                        safe.push(Piece::Text(word.get(bare.len()..).unwrap_or_default().to_owned()));
                    } else {
                        safe.push(Piece::Text(word.to_owned()));
                    }
                }
            }
            piece => safe.push(piece.clone()),
        }
    }
    safe
}

/// The line cut so that no text has a special character in it.
fn bare_pieces(line: &Line) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for piece in &line.pieces {
        match piece {
            Piece::Text(text) => {
                let mut rest = text.as_str();
                while let Some((place, c)) = rest.char_indices().find(|(_, c)| is_special(*c)) {
                    let (before, after) = rest.split_at(place);
                    pieces.push(Piece::Text(before.to_owned()));
                    pieces.push(Piece::Kept(c.to_string()));
                    rest = after.get(c.len_utf8()..).unwrap_or_default();
                }
                pieces.push(Piece::Text(rest.to_owned()));
            }
            Piece::Kept(_) => pieces.push(piece.clone()),
        }
    }
    pieces
}

fn hopped(source: &Line, out: Out) -> Hopped {
    let mut line = Line::default();
    out.pieces.into_iter().for_each(|piece| line.push(piece));
    Hopped { line: tidied(line, source), unknown: out.unknown }
}

#[cfg(test)]
mod tests;
