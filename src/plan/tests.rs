//! What plans come to, one sentence of the rules at a time, in worlds small enough to read.
//!
//! `scene` builds the world and carries plans out on `memory`, which refuses what no backend could do and compares
//! every answer with the forecast: so each test here also proves that the two agree.

mod adoption;
mod conflicts;
mod departed;
mod elsewhere;
mod fallback;
mod former;
mod guard;
mod history;
mod joiners;
mod leavers;
mod matching;
mod memory;
mod movers;
mod partial;
mod properties;
mod renames;
mod returners;
mod scene;
mod source;
mod touched;
mod unnamed;
mod window;
