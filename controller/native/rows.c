/* Rows of numbers, handled as many at once as the processor can. */

typedef double Row[LD];     /* over (z, w), padded with zeros */

/* Part of a row, as many numbers as the processor handles at once. */
typedef double Lane __attribute__((vector_size(8 * LANE), aligned(8), may_alias));
#define LANES (LD / LANE)

/* to[i] += f * from */
static inline void add(double *to, double f, const double *from) {
    for (int c = 0; c < LANES; c++) ((Lane *)to)[c] += f * ((const Lane *)from)[c];
}

/* to = f * from * mask, number by number */
static inline void pick(double *to, double f, const double *from, const double *mask) {
    for (int c = 0; c < LANES; c++)
        ((Lane *)to)[c] = f * ((const Lane *)from)[c] * ((const Lane *)mask)[c];
}

/* to[i] += sum over a of factor[i * by_row + a * by_term] * from[a], for rows i and terms a. */
static inline void add_product(int rows, int terms, Row *to, const double *factor, int by_row,
                               int by_term, const Row *from) {
    for (int c = 0; c < LANES; c++)
        for (int i = 0; i < rows; i++) {
            Lane sum = ((Lane *)to[i])[c];
            for (int a = 0; a < terms; a++)
                sum += factor[i * by_row + a * by_term] * ((const Lane *)from[a])[c];
            ((Lane *)to[i])[c] = sum;
        }
}

static double at_most(double a, double b) { return a < b ? a : b; }
static double at_least(double a, double b) { return a > b ? a : b; }
