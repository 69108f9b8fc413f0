//! The engine from outside: canvases and events go in, effects come out.

mod damage;
mod fixtures;
mod flow;
mod interrupts;
mod large;
mod models;
mod play;
mod problems;
mod streams;
