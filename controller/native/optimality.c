/* Whether a solution of the programme is one: its optimality conditions, recomputed.

Only the programme and what was found are read; nothing of the method that found it. */

#define MAX_SLOPE 1e-3
#define MAX_MISS 1e-5
#define MAX_GAP 1e-3        /* as a share of 1 + |cost| */

typedef struct {
    double slope;           /* what is left of the gradient by moves and slacks, as a share */
    double miss;            /* the worst violation of a bound */
    double gap;             /* the sum of multipliers times distances */
} Signs;

static int all_finite(const double *numbers, long count) {
    for (long i = 0; i < count; i++)
        if (!isfinite(numbers[i])) return 0;
    return 1;
}

/* Recompute the signs from the programme, at m, s and lam. */
static Signs judge(const Qp *q) {
    double slope = 0.0, largest = 0.0, miss = 0.0, gap = 0.0, pi[LD] = {0.0};
    if (!all_finite(q->m[0], q->n * NU) || !all_finite(q->lam, q->rows)
        || (NL && !all_finite(q->s[0], q->n * SOFT))
        || !all_finite(q->F[0][0], q->n * NX * LD) || !all_finite(q->G[0][0], q->n * NY * LD))
        return (Signs){NAN, NAN, NAN};
    Row *x = q->x_new; /* no longer needed by the solver */
    for (long k = 0; k < q->n; k++) {
        double go[LD] = {0.0};
        for (int i = 0; i < NX; i++) go[i] = k ? x[k - 1][i] : 0.0;
        for (int u = 0; u < NU; u++)
            go[NX + u] = q->m[k][u] + (k ? x[k - 1][NX + u] : 0.0);
        for (int i = 0; i < LD; i++) x[k][i] = i < NX ? 0.0 : go[i];
        for (int i = 0; i < NX; i++)
            for (int j = 0; j < NZ; j++) x[k][i] += q->F[k][i][j] * go[j];
    }
    for (long k = q->n - 1; k >= 0; k--) {
        double by_y[NY], g[LD];
        for (int y = 0; y < NY; y++) {
            double moved = 0.0;
            for (int j = 0; j < NZ; j++) moved += q->G[k][y][j] * x[k][j];
            by_y[y] = 2.0 * q->weight[y] * (moved + q->error[k][y]);
            for (int l = 0; l < NL; l++) {
                if (LIMIT_CV[l] != y) continue;
                long i = q->at[SLACK] + k * NL + l, j = q->at[SOFT_ROW] + k * NL + l;
                double s = q->s[k][l], over = s + LIMIT_SIGN[l] * moved - q->b[j];
                by_y[y] -= LIMIT_SIGN[l] * q->lam[j];
                slope = at_least(slope, fabs(q->price[l] * (1.0 + 2.0 * SLACK_CURVATURE * s)
                    - q->lam[i] - q->lam[j]));
                largest = at_least(largest, q->price[l]);
                miss = at_least(miss, at_least(-s, -over));
                gap += q->lam[i] * fabs(s) + q->lam[j] * fabs(over);
            }
            for (int j = 0; j < NZ; j++)
                largest = at_least(largest,
                    fabs(2.0 * q->weight[y] * q->error[k][y] * q->G[k][y][j]));
        }
        for (int y = 0; y < NY; y++)
            for (int j = 0; j < LD; j++) pi[j] += by_y[y] * q->G[k][y][j];
        for (int j = 0; j < LD; j++) g[j] = 0.0;
        for (int i = 0; i < NX; i++)
            for (int j = 0; j < LD; j++) g[j] += pi[i] * q->F[k][i][j];
        for (int u = 0; u < NU; u++) {
            long c = k * NU + u;
            const double *lam = q->lam + c, *b = q->b + c;
            const long *at = q->at;
            double w = x[k][NX + u], m = q->m[k][u];
            double by_w = 2.0 * q->rest_weight[u] * (w + q->away[k][u])
                - lam[at[AT_LOW]] + lam[at[AT_HIGH]];
            double by_m = 2.0 * q->move_weight[u] * (m + q->drive[k][u])
                - lam[at[MOVE_LOW]] + lam[at[MOVE_HIGH]];
            double sides[] = {m - b[at[MOVE_LOW]], -m - b[at[MOVE_HIGH]],
                              w - b[at[AT_LOW]], -w - b[at[AT_HIGH]]};
            for (int g4 = 0; g4 < 4; g4++) {
                miss = at_least(miss, -sides[g4]);
                gap += lam[at[MOVE_LOW + g4]] * fabs(sides[g4]);
            }
            pi[NX + u] += g[NX + u] + by_w;
            slope = at_least(slope, fabs(pi[NX + u] + by_m));
        }
        for (int i = 0; i < NX; i++) pi[i] = g[i];
    }
    for (long i = 0; i < q->rows; i++) miss = at_least(miss, -q->lam[i]);
    return (Signs){slope / (1.0 + largest), miss, gap};
}

static int optimal(Signs s, double cost) {
    return isfinite(s.slope) && s.slope <= MAX_SLOPE && isfinite(s.miss) && s.miss <= MAX_MISS
        && isfinite(s.gap) && s.gap <= MAX_GAP * (1.0 + fabs(cost));
}
