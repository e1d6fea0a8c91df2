/* One linearised horizon as a convex quadratic programme, solved by an interior-point method.

Mehrotra's predictor and corrector (1992); each linear system by a Riccati recursion, so the work
grows linearly with the horizon n. Scaled numbers throughout; steps count k = 0..n-1.

symbol   meaning
z, w     change of the states at the end of step k, of the positions during it; row x = (z, w)
m        change of the moves: w = (w of the step before) + m
s        slack of each soft limit
a'x >= b any inequality, t its distance, lam its multiplier; groups of them in the order of GROUPS

Minimised over all steps: sum_y weight (G x + error)^2 + sum_u rest_weight (w + away)^2
+ sum_u move_weight (m + drive)^2 + sum_l price (s + SLACK_CURVATURE s^2).
Slacks are eliminated one by one, so a Riccati step costs the same with and without soft limits. */

#define MAX_ITERATIONS 40
#define MU_LEAST 1.0        /* t lam of every inequality at the start, at least */
#define MU_SHARE 0.1        /* the same, as a share of the cost per inequality */
#define TO_THE_EDGE 0.995   /* share of the way to the nearest bound that is gone */
#define GAP_GOAL 1e-7       /* sum of t lam, as a share of 1 + |cost| */
#define LEFT_GOAL 1e-6      /* share of the first residuals that is left */
#define FAR 1e4             /* a soft limit further away than this is none */

/* groups of inequalities: each has n rows of NU or NL */
enum { MOVE_LOW, MOVE_HIGH, AT_LOW, AT_HIGH, SLACK, SOFT_ROW, GROUPS };

typedef struct {
    long n, rows;                   /* steps; inequalities */
    long at[GROUPS];                /* where each group begins */
    Row (*F)[NX], (*G)[NY];         /* slopes of z and of the outputs at the end of each step */
    double (*error)[NY], (*away)[NU], (*drive)[NU];
    const double *weight, *rest_weight, *move_weight, *price;
    double *b, *t, *lam;            /* inequalities */
    double *inverse, *by_lam;       /* 1/t, 1/lam */
    double *aim, *ax;               /* right-hand sides; a'x of the last solve */
    double *dt, *dlam;
    Row (*K)[NU], (*J)[NU];         /* Riccati: w = K (z, w before) + k0; J before division by S */
    double (*S)[NU][NU], (*k0)[NU]; /* inverse of S, and the constant part */
    double (*soft)[SOFT];           /* 1/(second derivative by each slack) */
    Row *x, *x_new;
    double (*m)[NU], (*m_new)[NU], (*s)[SOFT], (*s_new)[SOFT];
} Qp;

/* S is symmetric and positive definite: replaced by its inverse (Gauss-Jordan, no pivots). */
static void invert(double S[NU][NU]) {
    for (int p = 0; p < NU; p++) {
        double pivot = 1.0 / S[p][p];
        S[p][p] = 1.0;
        for (int j = 0; j < NU; j++) S[p][j] *= pivot;
        for (int i = 0; i < NU; i++) {
            if (i == p) continue;
            double f = S[i][p];
            S[i][p] = 0.0;
            for (int j = 0; j < NU; j++) S[i][j] -= f * S[p][j];
        }
    }
}

/* Add the Hessian of the end of step k to P. */
static void add_hessian(const Qp *q, long k, Row P[NZ]) {
    double by_output[NY];
    Row weighted[NY];
    for (int y = 0; y < NY; y++) by_output[y] = 2.0 * q->weight[y];
    for (int l = 0; l < NL; l++) {
        long i = q->at[SLACK] + k * NL + l, j = q->at[SOFT_ROW] + k * NL + l;
        double own = q->lam[i] * q->inverse[i] + 2.0 * SLACK_CURVATURE * q->price[l];
        double row = q->lam[j] * q->inverse[j];
        q->soft[k][l] = 1.0 / (own + row);
        by_output[LIMIT_CV[l]] += row * own * q->soft[k][l];
    }
    for (int y = 0; y < NY; y++) pick(weighted[y], by_output[y], q->G[k][y], ALL);
    add_product(NZ, NY, P, weighted[0], 1, LD, (const Row *)q->G[k]);
    for (int u = 0; u < NU; u++) {
        long i = q->at[AT_LOW] + k * NU + u, j = q->at[AT_HIGH] + k * NU + u;
        double on_position = 2.0 * q->rest_weight[u]
            + q->lam[i] * q->inverse[i] + q->lam[j] * q->inverse[j];
        add(P[NX + u], on_position, UNIT[NX + u]);
    }
}

/* Riccati recursion from the last step to the first: K, J and the inverse of S. */
static void factorise(Qp *q) {
    Row P[NZ] = {{0.0}}, T[NZ], M[NZ], minus_J[NU];
    for (long k = q->n - 1; k >= 0; k--) {
        double R[NU];
        const Row *F = (const Row *)q->F[k];
        add_hessian(q, k, P);
        for (int i = 0; i < NZ; i++) pick(T[i], 1.0, P[i], POSITIONS);
        add_product(NZ, NX, T, P[0], LD, 1, F);
        for (int i = 0; i < NZ; i++) pick(M[i], i < NX ? 0.0 : 1.0, T[i], ALL);
        add_product(NZ, NX, M, F[0], 1, LD, (const Row *)T);
        for (int u = 0; u < NU; u++) {
            long i = q->at[MOVE_LOW] + k * NU + u, j = q->at[MOVE_HIGH] + k * NU + u;
            R[u] = 2.0 * q->move_weight[u]
                + q->lam[i] * q->inverse[i] + q->lam[j] * q->inverse[j];
            for (int v = 0; v < NU; v++)
                q->S[k][u][v] = M[NX + u][NX + v] + (u == v ? R[u] : 0.0);
            pick(minus_J[u], 1.0, M[NX + u], STATES);
            add(minus_J[u], -R[u], UNIT[NX + u]);
            pick(q->J[k][u], -1.0, minus_J[u], ALL);
            pick(q->K[k][u], 0.0, minus_J[u], ALL);
        }
        invert(q->S[k]);
        add_product(NU, NU, q->K[k], q->S[k][0], NU, 1, (const Row *)q->J[k]);
        for (int i = 0; i < NZ; i++) {
            if (i < NX) pick(P[i], 1.0, M[i], STATES);
            else pick(P[i], R[i - NX], UNIT[i], ALL);
        }
        add_product(NZ, NU, P, minus_J[0], 1, LD, (const Row *)q->K[k]);
    }
}

/* Where the last factorisation leads to with right-hand sides `aim`: x_new, m_new, s_new, ax. */
static void solve(Qp *q) {
    double p[LD] = {0.0};
    for (long k = q->n - 1; k >= 0; k--) {
        double pull[NY], g[LD] = {0.0}, r[NU], right[NU];
        for (int y = 0; y < NY; y++) pull[y] = 2.0 * q->weight[y] * q->error[k][y];
        for (int l = 0; l < NL; l++) {
            long i = q->at[SLACK] + k * NL + l, j = q->at[SOFT_ROW] + k * NL + l;
            double row = q->lam[j] * q->inverse[j];
            double alone = (q->aim[i] + q->aim[j] - q->price[l]) * q->soft[k][l];
            q->s_new[k][l] = alone;
            pull[LIMIT_CV[l]] += LIMIT_SIGN[l] * (row * alone - q->aim[j]);
        }
        for (int y = 0; y < NY; y++)
            for (int j = 0; j < LD; j++) p[j] += pull[y] * q->G[k][y][j];
        for (int u = 0; u < NU; u++) {
            long c = k * NU + u;
            p[NX + u] += 2.0 * q->rest_weight[u] * q->away[k][u]
                - q->aim[q->at[AT_LOW] + c] + q->aim[q->at[AT_HIGH] + c];
            r[u] = 2.0 * q->move_weight[u] * q->drive[k][u]
                - q->aim[q->at[MOVE_LOW] + c] + q->aim[q->at[MOVE_HIGH] + c];
        }
        for (int a = 0; a < NX; a++)
            for (int j = 0; j < LD; j++) g[j] += p[a] * q->F[k][a][j];
        for (int u = 0; u < NU; u++) right[u] = -(g[NX + u] + p[NX + u] + r[u]);
        for (int u = 0; u < NU; u++) {
            q->k0[k][u] = 0.0;
            for (int v = 0; v < NU; v++) q->k0[k][u] += q->S[k][u][v] * right[v];
        }
        for (int j = 0; j < LD; j++) p[j] = j < NX ? g[j] : 0.0;
        for (int u = 0; u < NU; u++) p[NX + u] = -r[u];
        for (int u = 0; u < NU; u++)
            for (int j = 0; j < LD; j++) p[j] -= q->k0[k][u] * q->J[k][u][j];
    }
    Row none = {0.0};
    for (long k = 0; k < q->n; k++) {
        const double *before = k ? q->x_new[k - 1] : none;
        double *x = q->x_new[k], go[LD] = {0.0};
        for (int a = 0; a < NX; a++) go[a] = before[a];
        for (int u = 0; u < NU; u++) {
            double w = q->k0[k][u];
            for (int j = 0; j < NZ; j++) w += q->K[k][u][j] * before[j];
            go[NX + u] = w;
            q->m_new[k][u] = w - before[NX + u];
        }
        for (int j = 0; j < LD; j++) x[j] = j < NX ? 0.0 : go[j];
        for (int a = 0; a < NX; a++)
            for (int j = 0; j < NZ; j++) x[a] += q->F[k][a][j] * go[j];
        for (int u = 0; u < NU; u++) {
            long c = k * NU + u;
            q->ax[q->at[MOVE_LOW] + c] = q->m_new[k][u];
            q->ax[q->at[MOVE_HIGH] + c] = -q->m_new[k][u];
            q->ax[q->at[AT_LOW] + c] = go[NX + u];
            q->ax[q->at[AT_HIGH] + c] = -go[NX + u];
        }
        for (int l = 0; l < NL; l++) {
            long i = q->at[SLACK] + k * NL + l, j = q->at[SOFT_ROW] + k * NL + l;
            double along = 0.0;
            for (int c = 0; c < NZ; c++) along += q->G[k][LIMIT_CV[l]][c] * x[c];
            along *= LIMIT_SIGN[l];
            q->s_new[k][l] -= q->lam[j] * q->inverse[j] * q->soft[k][l] * along;
            q->ax[i] = q->s_new[k][l];
            q->ax[j] = q->s_new[k][l] + along;
        }
    }
}

/* A row of inequalities; no two of these overlap. */
typedef double *restrict Each;

/* dt and dlam towards the last solved point; dlam holds what centring adds to it. */
static void aim_at_solved(const Qp *q) {
    const Each t = q->t, lam = q->lam, inverse = q->inverse, b = q->b, ax = q->ax;
    const Each dt = q->dt, dlam = q->dlam;
    for (long i = 0; i < q->rows; i++) {
        dt[i] = ax[i] - b[i] - t[i];
        dlam[i] -= lam[i] * (1.0 + dt[i] * inverse[i]);
    }
}

/* How far t and lam may go along dt and dlam before `share` of the way to zero, at most 1. */
static double reach(const Qp *q, double share) {
    const Each inverse = q->inverse, by_lam = q->by_lam, dt = q->dt, dlam = q->dlam;
    double worst[8] = {0.0}, most = 1e-30;
    long i = 0;
    for (; i + 8 <= q->rows; i += 8)
        for (int j = 0; j < 8; j++) {
            double one = -dt[i + j] * inverse[i + j], other = -dlam[i + j] * by_lam[i + j];
            double more = one > other ? one : other;
            worst[j] = more > worst[j] ? more : worst[j];
        }
    for (; i < q->rows; i++)
        worst[0] = at_least(worst[0], at_least(-dt[i] * inverse[i], -dlam[i] * by_lam[i]));
    for (int j = 0; j < 8; j++) most = at_least(most, worst[j]);
    return at_most(1.0, share / most);
}

/* at = at + share * (to - at) */
static void blend(long numbers, Each at, const Each to, double share) {
    for (long i = 0; i < numbers; i++) at[i] += share * (to[i] - at[i]);
}

/* A start away from every bound: x = 0, slacks as large as needed, t lam = mu everywhere. */
static void begin(Qp *q, double mu) {
    memset(q->x, 0, q->n * sizeof *q->x);
    memset(q->m, 0, q->n * sizeof *q->m);
    for (long k = 0; k < q->n; k++)
        for (int l = 0; l < NL; l++) {
            long i = q->at[SLACK] + k * NL + l, j = q->at[SOFT_ROW] + k * NL + l;
            q->s[k][l] = at_least(q->b[j], 0.0) + 0.1;
            q->t[i] = q->s[k][l];
            q->t[j] = q->s[k][l] - q->b[j];
            q->lam[i] = mu / q->t[i];
            q->lam[j] = mu / q->t[j];
        }
    for (long i = 0; i < q->at[SLACK]; i++) {
        q->t[i] = at_least(-q->b[i], 0.1);
        q->lam[i] = mu / q->t[i];
    }
}

/* One step of predictor and corrector; `gap` is the sum of t lam. Returns the share gone. */
static double move_on(Qp *q, double gap) {
    const long rows = q->rows;
    const Each t = q->t, lam = q->lam, inverse = q->inverse, b = q->b, aim = q->aim;
    const Each dt = q->dt, dlam = q->dlam;
    factorise(q);
    for (long i = 0; i < rows; i++) {
        aim[i] = lam[i] + lam[i] * b[i] * inverse[i];
        dlam[i] = 0.0;
    }
    solve(q);
    aim_at_solved(q);
    double far = reach(q, 1.0), after = 0.0;
    for (long i = 0; i < rows; i++) after += (t[i] + far * dt[i]) * (lam[i] + far * dlam[i]);
    double centring = after / gap, goal = centring * centring * centring * gap / rows;
    for (long i = 0; i < rows; i++) {
        double centre = (goal - dt[i] * dlam[i]) * inverse[i];
        aim[i] += centre;
        dlam[i] = centre;
    }
    solve(q);
    aim_at_solved(q);
    double step = reach(q, TO_THE_EDGE);
    for (long i = 0; i < rows; i++) {
        t[i] += step * dt[i];
        lam[i] += step * dlam[i];
    }
    blend(q->n * LD, q->x[0], q->x_new[0], step);
    blend(q->n * NU, q->m[0], q->m_new[0], step);
    blend(q->n * NL, q->s[0], q->s_new[0], step);
    return step;
}

/* Minimise; leaves m, x, s, lam. Returns iterations used, or -1 where a number is none. */
static long minimise(Qp *q, double cost) {
    const Each t = q->t, lam = q->lam, inverse = q->inverse, by_lam = q->by_lam;
    double left = 1.0;
    begin(q, at_least(MU_LEAST, MU_SHARE * fabs(cost) / q->rows));
    for (long used = 0;; used++) {
        double gap = 0.0;
        for (long i = 0; i < q->rows; i++) {
            gap += t[i] * lam[i];
            inverse[i] = 1.0 / t[i];
            by_lam[i] = 1.0 / lam[i];
        }
        if (!isfinite(gap)) return -1;
        if ((gap <= GAP_GOAL * (1.0 + fabs(cost)) && left <= LEFT_GOAL) || used == MAX_ITERATIONS)
            return used;
        left *= 1.0 - move_on(q, gap);
    }
}
