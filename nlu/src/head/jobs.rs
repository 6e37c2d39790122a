//! Independent pieces of work on all cores; the result does not depend on how many there are.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// The results of `job(0)` to `job(count - 1)`, in order. Begin with the longest ones.
pub(super) fn run<T: Send>(count: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return done;
            }
            done.push((number, job(number)));
        }
    };
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let threads: Vec<_> = (1..cores.min(count)).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for thread in threads {
            done.extend(thread.join().expect("a job is arithmetic and does not panic"));
        }
        done
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_come_in_order() {
        for count in [0, 1, 2, 50] {
            let squares: Vec<usize> = (0..count).map(|it| it * it).collect();
            assert_eq!(super::run(count, |it| it * it), squares);
        }
    }
}
