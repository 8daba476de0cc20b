//! `support-bundle`: what to hand to whoever helps.

use std::path::PathBuf;

use clap::Args;

use super::console::Console;
use super::exit::Exit;
use super::page::{Page, Tone};
use super::words::counted;
use crate::app::{AppError, BundleOptions, BundleReport};

#[derive(Debug, Args)]
pub struct SupportBundle {
    /// Where to write it; a file that is there is left alone [default: seatsync-support-TIME.zip]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Put the end of this log file in, too; may be given several times
    #[arg(long, value_name = "FILE")]
    pub log: Vec<PathBuf>,
    /// Ask the servers too, as `check --connect` does
    #[arg(long)]
    pub connect: bool,
}

impl From<SupportBundle> for BundleOptions {
    fn from(asked: SupportBundle) -> Self {
        Self { out: asked.out, logs: asked.log, connect: asked.connect }
    }
}

/// Says what is in it, and what is not.
pub fn tell(report: &BundleReport, console: &Console) -> Result<Exit, AppError> {
    if !console.spares(report.missing.is_empty()) {
        console.answer(report, render)?;
    }
    Ok(Exit::Done)
}

fn render(report: &BundleReport, page: &mut Page) {
    for entry in &report.entries {
        page.line(format!("  {:<16} {}", entry.name, counted(entry.bytes, "byte", "bytes")));
    }
    for missing in &report.missing {
        page.pieces(&[(Tone::Warn, "  missing  "), (Tone::Plain, missing)]);
    }
    page.gap();
    page.line("People are taken out of it, and secrets are not in it. Look into it before you hand it on.");
    page.verdict(Tone::Good, "ok", &format!("wrote {}", report.file.display()));
}
