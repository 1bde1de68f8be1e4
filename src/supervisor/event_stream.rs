//! Delivers what an event stream yields, until it ends, cannot be read, or the user stops the program.

use std::cell::RefCell;

use tokio_util::sync::CancellationToken;

use super::Outcome;
use crate::dedup::{Dedup, OccurrenceCounter};
use crate::delivery::sink::Sink;
use crate::source::{EventStream, EventStreamError, StreamProgress};

/// The number of items after which sources and signals get a turn.
const MAX_ITEMS_PER_TURN: usize = 1024;

/// The shared parts that delivering a stream needs.
#[derive(Clone, Copy)]
pub(crate) struct StreamDelivery<'a> {
    /// Never borrowed across a wait.
    pub(crate) sink: &'a RefCell<Sink>,
    /// The events delivered so far. Never borrowed across a wait.
    pub(crate) dedup: &'a RefCell<Dedup>,
    /// Cancelled when the user wants to stop.
    pub(crate) stop: &'a CancellationToken,
}

/// Delivers the items of a stream. Everything that was read is handed to the sink.
///
/// # Errors
///
/// If the stream cannot be read. It was not reported.
pub(crate) async fn deliver_stream(
    stream: &mut EventStream<'_>,
    delivery: StreamDelivery<'_>,
) -> Result<Outcome, EventStreamError> {
    let mut occurrences = delivery.sink.borrow_mut().on_connection_opened();
    loop {
        let Some(progress) = delivery.stop.run_until_cancelled(delivery.wait(stream)).await else {
            // What was read is delivered, as far as the reader of stdout has room for it.
            stream.stop_waiting();
            while delivery.deliver_turn(stream, &mut occurrences) && !delivery.is_writer_behind() {}
            return Ok(Outcome::Stopped);
        };
        if progress? == StreamProgress::Ended {
            return Ok(Outcome::InputEnded);
        }
        while delivery.deliver_turn(stream, &mut occurrences) {
            tokio::task::yield_now().await;
            if delivery.stop.is_cancelled() || delivery.is_writer_behind() {
                break;
            }
        }
        // A stream that always has more must not starve what is polled after it.
        tokio::task::yield_now().await;
    }
}

impl StreamDelivery<'_> {
    /// Waits for more of the stream, and for the reader of stdout if that is too slow (OUT-41).
    async fn wait(&self, stream: &mut EventStream<'_>) -> Result<StreamProgress, EventStreamError> {
        if self.is_writer_behind() {
            let writer = self.sink.borrow().output.handle();
            writer.wait_for_capacity().await;
        }
        stream.wait().await
    }

    fn is_writer_behind(&self) -> bool {
        self.sink.borrow().output.is_over_limit()
    }

    /// Delivers some items. Returns whether there may be more.
    fn deliver_turn(&self, stream: &mut EventStream<'_>, occurrences: &mut OccurrenceCounter) -> bool {
        let (mut sink, mut dedup) = (self.sink.borrow_mut(), self.dedup.borrow_mut());
        let mut may_have_more = true;
        for _ in 0..MAX_ITEMS_PER_TURN {
            let Some(item) = stream.try_next(&dedup) else {
                may_have_more = false;
                break;
            };
            sink.deliver(item, &mut dedup, occurrences);
            if sink.output.is_over_limit() {
                break;
            }
        }
        stream.take_forgotten().iter().for_each(|conversation| dedup.forget(conversation));
        sink.flush();
        may_have_more
    }
}
