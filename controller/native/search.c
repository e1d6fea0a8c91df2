/* The whole search for a plan: scale the question, then Gauss-Newton steps from a given start.

Every step solves the linearised horizon (stage_qp.c); then the moves are cut to the hard limits,
run forward through the model, and must cost no more than before, or the step is shortened. So every
plan in between obeys model and hard limits. Bounded by counts, never by a clock. */

#define SHORTENINGS 3
#define CLOSE 0.1           /* a step of no move larger than this, in tenths of scale, may fail */
#define THIN 1e-7           /* hard limits are wider by this in the programme: it needs an interior */

enum { DONE, STILL_MOVING, NO_NUMBER, NOT_OPTIMAL, NO_GAIN };

/* What is asked, as the caller lays it out; all SI. */
typedef struct {
    double x0[NX], applied[NU], low[NU], high[NU], step[NU];
    double move_weight[NU], rest[NU], rest_weight[NU];
    double weight[NY], bias[NY], limit[SOFT], price[SOFT];
} Question;                 /* then n+1 rows of NP disturbances, then NY rows of n references */

/* What is found, as the caller reads it. */
typedef struct {
    double cost, steps, iterations, size;
    Signs signs;
    double low[NU], high[NU]; /* the loosest limits the programme held, SI */
} Found;                    /* then n rows of NU moves (scaled), n rows of NX states (SI) */

/* A plan that obeys model and hard limits. */
typedef struct {
    double (*m)[NU], (*w)[NU], (*z)[NX], (*y)[NY];
    double cost;
} Course;

typedef struct {
    long n;
    const double *disturbances;
    double z0[NX], at[NU], step[NU], rest[NU], limit[SOFT];
    double (*low)[NU], (*high)[NU], (*reference)[NY];
    double bias[NY];
    Qp qp;
    Course now, tried;
} Task;

static double *take(double **free_room, long doubles) {
    double *taken = *free_room;
    *free_room += (doubles + 7) / 8 * 8; /* rows of 64 bytes: the same bits wherever they lie */
    return taken;
}

static void take_course(Course *c, long n, double **room) {
    c->m = (double (*)[NU])take(room, n * NU);
    c->w = (double (*)[NU])take(room, n * NU);
    c->z = (double (*)[NX])take(room, n * NX);
    c->y = (double (*)[NY])take(room, n * NY);
}

/* Lay every array of a horizon of n steps into `room`; returns its end. */
static double *lay_out(Task *a, long n, double *room) {
    Qp *q = &a->qp;
    a->n = q->n = n;
    long rows = 0;
    for (int g = 0; g < GROUPS; g++) {
        q->at[g] = rows;
        rows += n * (g < SLACK ? NU : NL);
    }
    q->rows = rows;
    double **flat[] = {&q->b, &q->t, &q->lam, &q->inverse, &q->by_lam,
                       &q->aim, &q->ax, &q->dt, &q->dlam};
    for (unsigned i = 0; i < sizeof flat / sizeof *flat; i++) *flat[i] = take(&room, rows);
    q->F = (Row (*)[NX])take(&room, n * NX * LD);
    q->G = (Row (*)[NY])take(&room, n * NY * LD);
    q->K = (Row (*)[NU])take(&room, n * NU * LD);
    q->J = (Row (*)[NU])take(&room, n * NU * LD);
    q->S = (double (*)[NU][NU])take(&room, n * NU * NU);
    q->k0 = (double (*)[NU])take(&room, n * NU);
    q->soft = (double (*)[SOFT])take(&room, n * SOFT);
    q->x = (Row *)take(&room, n * LD);
    q->x_new = (Row *)take(&room, n * LD);
    q->m = (double (*)[NU])take(&room, n * NU);
    q->m_new = (double (*)[NU])take(&room, n * NU);
    q->s = (double (*)[SOFT])take(&room, n * SOFT);
    q->s_new = (double (*)[SOFT])take(&room, n * SOFT);
    q->error = (double (*)[NY])take(&room, n * NY);
    q->away = (double (*)[NU])take(&room, n * NU);
    a->low = (double (*)[NU])take(&room, n * NU);
    a->high = (double (*)[NU])take(&room, n * NU);
    a->reference = (double (*)[NY])take(&room, n * NY);
    take_course(&a->now, n, &room);
    take_course(&a->tried, n, &room);
    return room;
}

/* Scale the question; the caller has seen to it that every number is one. */
static void understand(Task *a, const double *asked) {
    const Question *o = (const Question *)asked;
    long n = a->n;
    a->disturbances = (const double *)(o + 1);
    const double *references = a->disturbances + (n + 1) * NP;
    for (int i = 0; i < NX; i++) a->z0[i] = (o->x0[i] - X_CENTRE[i]) / X_SCALE[i];
    for (int u = 0; u < NU; u++) {
        double low = (o->low[u] - U_CENTRE[u]) / U_SCALE[u];
        double high = (o->high[u] - U_CENTRE[u]) / U_SCALE[u];
        a->at[u] = (o->applied[u] - U_CENTRE[u]) / U_SCALE[u];
        a->step[u] = at_least(o->step[u], 0.0) / U_SCALE[u];
        a->rest[u] = (o->rest[u] - U_CENTRE[u]) / U_SCALE[u];
        /* an MV found outside its limits comes back as fast as it may move, no faster */
        for (long k = 0; k < n; k++) {
            a->low[k][u] = at_most(low, a->at[u] + a->step[u] * (k + 1));
            a->high[k][u] = at_least(high, a->at[u] - a->step[u] * (k + 1));
        }
    }
    for (int y = 0; y < NY; y++) {
        a->bias[y] = o->bias[y] / Y_UNIT[y];
        for (long k = 0; k < n; k++) a->reference[k][y] = references[y * n + k] / Y_UNIT[y];
    }
    for (int l = 0; l < NL; l++) a->limit[l] = o->limit[l] / Y_UNIT[LIMIT_CV[l]];
    a->qp.weight = o->weight;
    a->qp.rest_weight = o->rest_weight;
    a->qp.move_weight = o->move_weight;
    a->qp.price = o->price;
}

/* The plan with moves `m` plus `share` of `d`: cut to the hard limits, run forward, priced. */
static void run(const Task *a, Course *c, const double (*m)[NU], double share,
                const double (*d)[NU]) {
    const Qp *q = &a->qp;
    c->cost = 0.0;
    for (long k = 0; k < a->n; k++) {
        for (int u = 0; u < NU; u++) {
            double before = k ? c->w[k - 1][u] : a->at[u];
            double move = at_least(at_most(m[k][u] + share * d[k][u], a->step[u]), -a->step[u]);
            double at = at_least(at_most(before + move, a->high[k][u]), a->low[k][u]);
            c->w[k][u] = at;
            c->m[k][u] = at - before;
            double off = at - a->rest[u];
            c->cost += q->move_weight[u] * c->m[k][u] * c->m[k][u] + q->rest_weight[u] * off * off;
        }
        const double *start = k ? c->z[k - 1] : a->z0, *p = a->disturbances + k * NP;
        const double *in[] = {start, c->w[k], p, p + NP};
        double *out[] = {c->z[k], c->y[k]};
        plan_ahead(in, out, 0, 0, 0);
        for (int y = 0; y < NY; y++) {
            c->y[k][y] += a->bias[y];
            double error = c->y[k][y] - a->reference[k][y];
            c->cost += q->weight[y] * error * error;
        }
        for (int l = 0; l < NL; l++) {
            double s = at_least(LIMIT_SIGN[l] * (a->limit[l] - c->y[k][LIMIT_CV[l]]), 0.0);
            c->cost += q->price[l] * (s + SLACK_CURVATURE * s * s);
        }
    }
}

/* Slopes, errors and bounds of the programme around the plan `now`. */
static void linearise(Task *a) {
    Qp *q = &a->qp;
    const Course *c = &a->now;
    q->drive = c->m;
    for (long k = 0; k < a->n; k++) {
        const double *start = k ? c->z[k - 1] : a->z0, *p = a->disturbances + k * NP;
        const double *in[] = {start, c->w[k], c->z[k], p, p + NP};
        double *out[] = {q->F[k][0], q->G[k][0]};
        plan_slopes(in, out, 0, 0, 0);
        for (int y = 0; y < NY; y++) q->error[k][y] = c->y[k][y] - a->reference[k][y];
        for (int u = 0; u < NU; u++) {
            long i = k * NU + u;
            q->away[k][u] = c->w[k][u] - a->rest[u];
            q->b[q->at[MOVE_LOW] + i] = -a->step[u] - c->m[k][u] - THIN;
            q->b[q->at[MOVE_HIGH] + i] = c->m[k][u] - a->step[u] - THIN;
            q->b[q->at[AT_LOW] + i] = a->low[k][u] - c->w[k][u] - THIN;
            q->b[q->at[AT_HIGH] + i] = c->w[k][u] - a->high[k][u] - THIN;
        }
        for (int l = 0; l < NL; l++) {
            double left = LIMIT_SIGN[l] * (a->limit[l] - c->y[k][LIMIT_CV[l]]);
            q->b[q->at[SLACK] + k * NL + l] = 0.0;
            q->b[q->at[SOFT_ROW] + k * NL + l] = at_most(at_least(left, -FAR), FAR);
        }
    }
}

/* Improve the plan `now` until no move changes by more than `close`, at most `most` times. */
static int improve(Task *a, long most, double close, Found *found) {
    Qp *q = &a->qp;
    for (long step = 1; step <= most; step++) {
        found->steps = step;
        linearise(a);
        long used = minimise(q, a->now.cost);
        if (used < 0) return NO_NUMBER;
        found->iterations += used;
        found->signs = judge(q);
        if (!optimal(found->signs, a->now.cost)) return NOT_OPTIMAL;
        double size = 0.0, share = 1.0;
        for (long k = 0; k < a->n; k++)
            for (int u = 0; u < NU; u++) size = at_least(size, fabs(q->m[k][u]));
        found->size = size;
        double allowed = a->now.cost + 1e-9 * (1.0 + fabs(a->now.cost));
        int shorter = 0;
        for (; shorter < SHORTENINGS; shorter++) {
            run(a, &a->tried, (const double (*)[NU])a->now.m, share, (const double (*)[NU])q->m);
            if (a->tried.cost <= allowed) break; /* never true of a number that is none */
            share *= 0.5;
        }
        if (shorter == SHORTENINGS) return size <= CLOSE ? DONE : NO_GAIN;
        Course better = a->tried;
        a->tried = a->now;
        a->now = better;
        if (size <= close && share == 1.0) return DONE;
    }
    return STILL_MOVING;
}

/* Doubles of memory that a horizon of n steps needs. */
long memory_of(long n) {
    Task a;
    double *nowhere = 0;
    return lay_out(&a, n, nowhere) - nowhere;
}

/* Answer `asked` from the moves `start` (scaled), in at most `most` steps, until no move changes by
more than `close`; returns how it ended. */
int search(long n, const double *asked, const double (*start)[NU], long most, double close,
           double *memory, double *answer) {
    Task a;
    lay_out(&a, n, memory);
    Found *found = (Found *)answer;
    double (*moves)[NU] = (double (*)[NU])(found + 1);
    double (*states)[NX] = (double (*)[NX])(moves + n);
    memset(found, 0, sizeof *found);
    found->size = INFINITY;
    understand(&a, asked);
    run(&a, &a.now, start, 0.0, start);
    if (!isfinite(a.now.cost) || !all_finite(a.now.z[0], n * NX)) return NO_NUMBER;
    int ended = improve(&a, most, close, found);
    found->cost = a.now.cost;
    for (long k = 0; k < n; k++) {
        for (int u = 0; u < NU; u++) {
            moves[k][u] = a.now.m[k][u];
            double low = U_CENTRE[u] + U_SCALE[u] * a.low[k][u];
            double high = U_CENTRE[u] + U_SCALE[u] * a.high[k][u];
            found->low[u] = k ? at_most(found->low[u], low) : low;
            found->high[u] = k ? at_least(found->high[u], high) : high;
        }
        for (int i = 0; i < NX; i++) states[k][i] = X_CENTRE[i] + X_SCALE[i] * a.now.z[k][i];
    }
    return ended;
}
