/* How the PLC reads its viscometer: corrected to 25 C and set against the last lab sample, at the
   time that sample was taken. Numbers as commissioned with the machine. */
#include <math.h>

#include "mixer.h"

static const double ACTIVATION_OVER_R_K = 35000.0 / 8.314;
static const double MEMORY_S = 3600.0, FILTER_S = 60.0;
static const double FACTOR_LOW = 0.6, FACTOR_HIGH = 1.6, TRUST_IN_ONE_SAMPLE = 0.5;

void mixer_lab_start(mixer_lab *lab)
{
    *lab = (mixer_lab){.factor = 1.0, .trust = 1.0, .smooth = NAN};
}

static void remember(mixer_lab *lab)
{
    if (lab->used == LAB_MOST) {
        lab->first = (lab->first + 1) % LAB_MOST;
        lab->used--;
    }
    const int last = (lab->first + lab->used++) % LAB_MOST;
    lab->at_s[last] = lab->now_s;
    lab->value[last] = lab->smooth;
    while (lab->at_s[lab->first] < lab->now_s - MEMORY_S) {
        lab->first = (lab->first + 1) % LAB_MOST;
        lab->used--;
    }
}

static void learn_factor(mixer_lab *lab, const double sensor[SENSORS], bool learn)
{
    const int sample = isfinite(sensor[LAB_NUMBER]) ? (int)sensor[LAB_NUMBER] : 0;
    if (sample <= lab->seen || !(sensor[LAB_VISCOSITY] > 0.0))
        return;
    lab->seen = sample;
    if (!learn)
        return;
    const double age_s = isfinite(sensor[LAB_AGE]) ? sensor[LAB_AGE] : 0.0;
    double then = lab->smooth;
    for (int i = 0; i < lab->used; i++) {
        const int at = (lab->first + i) % LAB_MOST;
        if (lab->at_s[at] >= lab->now_s - age_s) {
            then = lab->value[at];
            break;
        }
    }
    const double found = fmin(fmax(sensor[LAB_VISCOSITY] / then, FACTOR_LOW), FACTOR_HIGH);
    lab->factor += lab->trust * (found - lab->factor);
    lab->trust = TRUST_IN_ONE_SAMPLE;
}

double mixer_lab_scan(mixer_lab *lab, double dt_s, const double sensor[SENSORS], bool learn)
{
    lab->now_s += dt_s;
    const double shift = ACTIVATION_OVER_R_K * (1.0 / sensor[TEMP] - 1.0 / 298.15);
    const double shown = sensor[VISCOSITY] * exp(-shift);
    if (!(isfinite(shown) && shown > 0.0))
        return NAN;
    const double weight = isnan(lab->smooth) ? 1.0 : fmin(dt_s / FILTER_S, 1.0);
    lab->smooth = weight < 1.0 ? weight * shown + (1.0 - weight) * lab->smooth : shown;
    remember(lab);
    learn_factor(lab, sensor, learn);
    return lab->smooth * lab->factor;
}
