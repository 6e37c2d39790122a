//! Finds the lowest point of a smooth convex function.
//!
//! Source: Nocedal and Wright, Numerical Optimization (2006), algorithms 7.4 and 7.5, with the step halved
//! until it satisfies Armijo's condition (equation 3.4).

use std::collections::VecDeque;

use super::matrix::{add_scaled, dot};

/// Steps that are remembered.
const MEMORY: usize = 6;
/// Halvings of one step before the function is taken to be at its lowest point.
const HALVINGS: usize = 20;
/// Armijo's constant, as Nocedal and Wright choose it.
const DECREASE: f64 = 1e-4;

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    /// Most steps.
    pub(super) steps: usize,
    /// The decrease of one step, relative to the value, below which it is low enough.
    pub(super) tolerance: f64,
}

struct Pair {
    step: Vec<f32>,
    change: Vec<f32>,
    curvature: f32,
}

/// Moves `point` to where `function` is lowest.
///
/// `function` gives its value at a point and writes the gradient there into the second argument.
pub(super) fn minimise(
    point: &mut Vec<f32>,
    stop: Stop,
    mut function: impl FnMut(&[f32], &mut [f32]) -> f64,
) -> f64 {
    let mut gradient = vec![0.0; point.len()];
    let mut value = function(point, &mut gradient);
    let mut pairs = VecDeque::with_capacity(MEMORY);
    let (mut next, mut next_gradient) = (point.clone(), gradient.clone());
    for _ in 0..stop.steps {
        let direction = direction(&gradient, &pairs);
        let slope = f64::from(dot(&direction, &gradient));
        if slope >= 0.0 {
            break;
        }
        let first = if pairs.is_empty() { 1.0 / norm(&gradient).max(1.0) } else { 1.0 };
        let mut length = first;
        let mut lower = None;
        for _ in 0..HALVINGS {
            next.copy_from_slice(point);
            add_scaled(&mut next, length, &direction);
            let there = function(&next, &mut next_gradient);
            if there <= value + DECREASE * f64::from(length) * slope {
                lower = Some(there);
                break;
            }
            length /= 2.0;
        }
        let Some(there) = lower else { break };
        remember(&mut pairs, (&next, point), (&next_gradient, &gradient));
        std::mem::swap(point, &mut next);
        std::mem::swap(&mut gradient, &mut next_gradient);
        let gained = value - there;
        value = there;
        if gained <= stop.tolerance * value.abs().max(f64::MIN_POSITIVE) {
            break;
        }
    }
    value
}

fn remember(pairs: &mut VecDeque<Pair>, points: (&[f32], &[f32]), gradients: (&[f32], &[f32])) {
    let minus = |(a, b): (&[f32], &[f32])| a.iter().zip(b).map(|(x, y)| x - y).collect::<Vec<_>>();
    let (step, change) = (minus(points), minus(gradients));
    let curvature = dot(&step, &change);
    // Rounding can hide the curvature near the lowest point; such a pair would turn the direction round.
    if curvature <= f32::EPSILON * dot(&change, &change).max(f32::MIN_POSITIVE) {
        return;
    }
    if pairs.len() == MEMORY {
        pairs.pop_front();
    }
    pairs.push_back(Pair { step, change, curvature });
}

/// Minus the gradient, bent by the curvature seen on the last steps.
fn direction(gradient: &[f32], pairs: &VecDeque<Pair>) -> Vec<f32> {
    let mut found: Vec<f32> = gradient.iter().map(|it| -it).collect();
    let mut factors = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let factor = dot(&pair.step, &found) / pair.curvature;
        add_scaled(&mut found, -factor, &pair.change);
        factors.push(factor);
    }
    if let Some(last) = pairs.back() {
        let scale = last.curvature / dot(&last.change, &last.change);
        found.iter_mut().for_each(|it| *it *= scale);
    }
    for (pair, factor) in pairs.iter().zip(factors.iter().rev()) {
        let back = dot(&pair.change, &found) / pair.curvature;
        add_scaled(&mut found, factor - back, &pair.step);
    }
    found
}

fn norm(vector: &[f32]) -> f32 {
    dot(vector, vector).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_the_bottom_of_a_long_bowl() {
        let mut point = vec![0.0; 50];
        let bottom = |i: usize| i as f32 / 10.0 - 2.0;
        let weight = |i: usize| 1.0 + i as f32 * 4.0;
        let value = minimise(&mut point, Stop { steps: 200, tolerance: 1e-12 }, |x, gradient| {
            let mut sum = 0.0;
            for (i, it) in x.iter().enumerate() {
                let off = it - bottom(i);
                gradient[i] = weight(i) * off;
                sum += f64::from(weight(i) * off * off / 2.0);
            }
            sum
        });
        assert!(value < 1e-6, "{value}");
        for (i, it) in point.iter().enumerate() {
            assert!((it - bottom(i)).abs() < 1e-3, "{i}: {it} where {} is lowest", bottom(i));
        }
    }
}
