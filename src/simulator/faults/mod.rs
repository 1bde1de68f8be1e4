//! Faults: deliberate misbehaviour of the simulator.
//!
//! A fault is written `place:fault[=value][,option=value…]`; [`fault_help`] lists them all.

mod fault;
mod grammar;
mod help;
mod schedule;
mod tables;

pub use fault::Fault;
pub(crate) use fault::{
    CallFault, Endpoint, NotificationFault, RequestFault, RetryAfter, SocketFault, StatedWait, StreamFault, StreamShape,
};
pub use grammar::FaultError;
pub use help::{fault_help, fault_names};
pub(crate) use schedule::{FaultSchedule, PendingFault};
