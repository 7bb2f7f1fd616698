//! What this process has used.

use anyhow::Result;

/// Processor time of this process, all its threads.
pub fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // utime and stime, in hundredths of a second: proc(5), counted from the field after the name.
    let ticks = fields.iter().skip(11).take(2).map(|field| field.parse::<f64>()).sum::<Result<f64, _>>()?;
    Ok(ticks / 100.0)
}

/// The most memory that this process had so far.
pub fn peak_mib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    Ok(peak.split_whitespace().next().unwrap_or("0").parse::<u64>()? / 1_024)
}
