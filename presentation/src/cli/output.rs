//! What commands say: results on standard output, everything else on standard error.

use std::sync::atomic::{AtomicBool, Ordering};

static LOST_OUTPUT: AtomicBool = AtomicBool::new(false);

/// Prints a text to standard output. A closed pipe (`| head`) is the reader's choice and no error.
pub fn print(text: &str) {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe && !LOST_OUTPUT.swap(true, Ordering::Relaxed) => {
            complain(&format!("standard output cannot be written ({}); send it elsewhere", error.kind()));
        }
        Ok(()) | Err(_) => {}
    }
}

/// Whether something could not be printed.
pub fn has_lost_output() -> bool {
    LOST_OUTPUT.load(Ordering::Relaxed)
}

/// Says on standard error what went wrong.
pub fn complain(message: &str) {
    use std::io::Write;
    // Nobody is left to tell when standard error is gone.
    let _told = writeln!(std::io::stderr(), "dragoman: {message}");
}

/// Prints a value as JSON.
pub fn print_json(value: &impl serde::Serialize) {
    // Plain values of our own types always serialise.
    print(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// Lays rows out in columns, each as wide as its widest cell.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}
