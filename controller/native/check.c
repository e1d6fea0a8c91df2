/* An answer checked from the question and the model alone; nothing of the search is used.

Compiled on its own, from other generated functions, without shortcuts in arithmetic: the moves are
added up inside every hard limit, the model is run forward with them in SI units, and what comes
of it is compared with what was told. */

/* What is asked, as the caller lays it out; all SI. The same block as in search.c. */
typedef struct {
    double x0[NX], applied[NU], low[NU], high[NU], step[NU];
    double move_weight[NU], rest[NU], rest_weight[NU];
    double weight[NY], bias[NY], limit[SOFT], price[SOFT];
} Question;                 /* then n+1 rows of NP disturbances, then NY rows of n references */

typedef struct {
    double overshoot;       /* the worst cut of a position, in scales */
    double residual;        /* the worst difference between states told and found, in tenths */
    double cost;            /* of the plan as it was run here */
    double excess[SOFT];    /* the largest beyond each soft limit */
} Verdict;                  /* then n rows of NU positions, n+1 of NX states, n of NY outputs */

static double square(double x) { return x * x; }

/* Judge n rows of `moves` and of `states` (SI); returns 1 where every number is one. */
int check(long n, const double *asked, const double (*moves)[NU], const double (*states)[NX],
          double *verdict) {
    const Question *q = (const Question *)asked;
    const double (*p)[NP] = (const double (*)[NP])(q + 1);
    const double *reference = (const double *)(p + n + 1);
    Verdict *v = (Verdict *)verdict;
    double (*u)[NU] = (double (*)[NU])(v + 1);
    double (*x)[NX] = (double (*)[NX])(u + n);
    double (*y)[NY] = (double (*)[NY])(x + n + 1);
    double all_of_measure[OUTPUTS], sum = 0.0;
    memset(v, 0, sizeof *v);
    memcpy(x[0], q->x0, sizeof x[0]);
    for (long k = 0; k < n; k++) {
        for (int i = 0; i < NU; i++) {
            double before = k ? u[k - 1][i] : q->applied[i], step = fmax(q->step[i], 0.0);
            double floor = fmax(before - step, fmin(q->low[i], before + step));
            double ceiling = fmin(before + step, fmax(q->high[i], before - step));
            double wanted = before + moves[k][i];
            u[k][i] = fmin(fmax(wanted, floor), ceiling);
            v->overshoot = fmax(v->overshoot, fabs(wanted - u[k][i]) * UNIT_SHARE / U_SCALE[i]);
            v->cost += q->move_weight[i] * square((u[k][i] - before) / U_SCALE[i])
                + q->rest_weight[i] * square((u[k][i] - q->rest[i]) / U_SCALE[i]);
        }
        const double *now[] = {x[k], u[k], p[k]}, *then[] = {x[k + 1], u[k], p[k + 1]};
        double *to[] = {x[k + 1]}, *seen[] = {all_of_measure};
        model_advance(now, to, 0, 0, 0);
        model_look(then, seen, 0, 0, 0);
        for (int i = 0; i < NX; i++) {
            v->residual = fmax(v->residual, fabs(states[k][i] - x[k + 1][i]) / X_SCALE[i]);
            sum += states[k][i] + x[k + 1][i];
        }
        for (int i = 0; i < NU; i++) sum += u[k][i] + moves[k][i];
        for (int i = 0; i < NY; i++) {
            y[k][i] = all_of_measure[CV_OUTPUT[i]] + q->bias[i];
            sum += y[k][i];
            v->cost += q->weight[i] * square((y[k][i] - reference[i * n + k]) / Y_UNIT[i]);
        }
        for (int l = 0; l < NL; l++) {
            double over = LIMIT_SIGN[l] * (q->limit[l] - y[k][LIMIT_CV[l]]);
            double s = fmax(over, 0.0) / Y_UNIT[LIMIT_CV[l]];
            v->excess[l] = fmax(v->excess[l], over);
            v->cost += q->price[l] * (s + SLACK_CURVATURE * s * s);
        }
    }
    return isfinite(sum) && isfinite(v->cost); /* fmin and fmax skip a number that is none */
}
