//! The arithmetic of fitting: one product of matrices, and sums along vectors.
//!
//! Written so that the compiler makes vector code of it without `unsafe`; no BLAS is needed for matrices
//! this small.

/// Columns of a tile. Widths are padded to it, see [`padded`].
pub(super) const LANES: usize = 8;
/// Rows of a tile: with [`LANES`] columns, as many sums as fit the vector registers of any x86-64.
const ROWS: usize = 4;
/// Depth of a block: a panel of `DEPTH * LANES` numbers stays in the first-level cache.
const DEPTH: usize = 256;

/// The next multiple of [`LANES`].
pub(super) fn padded(width: usize) -> usize {
    width.next_multiple_of(LANES)
}

/// Adds `transpose(a) * b` to `c`.
///
/// All are row-major: `a` is `[depth, rows]`, `b` is `[depth, width]`, `c` is `[rows, width]`; `width` is
/// a multiple of [`LANES`].
pub(super) fn add_product(a: &[f32], b: &[f32], c: &mut [f32], rows: usize, width: usize) {
    debug_assert_eq!(width % LANES, 0, "padded() was forgotten");
    let (mut panels, mut strip) = (Vec::new(), Vec::new());
    for (a, b) in a.chunks(DEPTH * rows).zip(b.chunks(DEPTH * width)) {
        panels.clear();
        for column in (0..width).step_by(LANES) {
            panels.extend(b.chunks_exact(width).map(|row| cut::<LANES>(&row[column..])));
        }
        for row in (0..rows).step_by(ROWS) {
            // Copied together once, because rows that lie far apart cost more to reach than to multiply.
            strip.clear();
            strip.extend(a.chunks_exact(rows).map(|numbers| cut::<ROWS>(&numbers[row..])));
            let columns = (0..width).step_by(LANES);
            for (column, panel) in columns.zip(panels.chunks_exact(strip.len())) {
                let sums = tile(&strip, panel);
                for (row, sum) in (row..rows).zip(&sums) {
                    add_scaled(&mut c[row * width + column..][..LANES], 1.0, sum);
                }
            }
        }
    }
}

/// The first numbers, with zeros where there are fewer.
fn cut<const N: usize>(numbers: &[f32]) -> [f32; N] {
    let mut found = [0.0; N];
    let there = numbers.len().min(N);
    found[..there].copy_from_slice(&numbers[..there]);
    found
}

fn tile(strip: &[[f32; ROWS]], panel: &[[f32; LANES]]) -> [[f32; LANES]; ROWS] {
    let mut sums = [[0.0_f32; LANES]; ROWS];
    for (a, b) in strip.iter().zip(panel) {
        for row in 0..ROWS {
            for lane in 0..LANES {
                sums[row][lane] += a[row] * b[lane];
            }
        }
    }
    sums
}

/// `[rows, columns]` -> `[columns, rows]`.
pub(super) fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    let rows = matrix.len() / columns.max(1);
    let mut found = vec![0.0; matrix.len()];
    for (row, numbers) in matrix.chunks_exact(columns.max(1)).enumerate() {
        for (column, number) in numbers.iter().enumerate() {
            found[column * rows + row] = *number;
        }
    }
    found
}

/// The sum of products, in eight running sums.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    rest + sums.iter().sum::<f32>()
}

/// Adds `factor * a` to `sum`.
pub(super) fn add_scaled(sum: &mut [f32], factor: f32, a: &[f32]) {
    for (slot, value) in sum.iter_mut().zip(a) {
        *slot += factor * value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_what_the_definition_says() {
        for (depth, rows, width) in [(1, 1, 8), (3, 5, 16), (300, 7, 8), (257, 4, 24), (520, 6, 8)]
        {
            let a: Vec<f32> = (0..depth * rows).map(|i| (i % 13) as f32 - 6.0).collect();
            let b: Vec<f32> = (0..depth * width).map(|i| (i % 7) as f32 - 3.0).collect();
            let mut c = vec![1.0; rows * width];
            add_product(&a, &b, &mut c, rows, width);
            for row in 0..rows {
                for column in 0..width {
                    let sum: f32 =
                        (0..depth).map(|d| a[d * rows + row] * b[d * width + column]).sum();
                    let found = c[row * width + column];
                    assert!(
                        (found - sum - 1.0).abs() < 1e-2,
                        "{depth} {row} {column}: {found} {sum}"
                    );
                }
            }
            assert_eq!(transposed(&transposed(&a, rows), depth), a);
        }
        let (a, b): (Vec<f32>, Vec<f32>) = ((0..19).map(|i| i as f32).collect(), vec![2.0; 19]);
        assert_eq!(dot(&a, &b), 342.0);
    }
}
