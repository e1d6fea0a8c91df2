/* The words the plant, the panel and the wire use for the mixer's signals. */
#include "mixer.h"

const char *const mixer_sensor_names[SENSORS] = {
    [MASS] = "mixer.mass",
    [TEMP] = "mixer.temp",
    [JACKET_TEMP] = "mixer.jacket_temp",
    [ANCHOR_SPEED] = "mixer.anchor_speed",
    [TORQUE] = "mixer.torque",
    [VISCOSITY] = "mixer.viscosity",
    [SOLVENT_FLOW] = "mixer.solvent_flow",
    [SOLVENT_TOTAL] = "mixer.solvent_total",
    [AMBIENT] = "mixer.ambient_temp",
    [LAB_VISCOSITY] = "mixer.lab_viscosity",
    [LAB_AGE] = "mixer.lab_age",
    [LAB_NUMBER] = "mixer.lab_number",
};

const char *const mixer_drive_names[DRIVES] = {
    [ANCHOR_CMD] = "mixer.anchor_speed_cmd",
    [DISPERSER_CMD] = "mixer.disperser_speed_cmd",
    [JACKET_CMD] = "mixer.jacket_temp_cmd",
    [SOLVENT_CMD] = "mixer.solvent_flow_cmd",
    [CHARGE_SOLVENT] = "mixer.charge_solvent",
    [CHARGE_ADHESIVE] = "mixer.charge_adhesive",
    [ADD_ENHANCER] = "mixer.add_enhancer",
    [ADD_API] = "mixer.add_api",
    [VACUUM] = "mixer.vacuum",
    [TRANSFER_FLOW] = "mixer.transfer_flow",
    [LAB_SAMPLE] = "mixer.lab_sample",
};

const char *const mixer_panel_names[PANEL] = {
    [KEY_REMOTE] = "key_remote",
    [RESET] = "reset",
    [HOLD] = "hold",
    [RESTART] = "restart",
    [ABORT] = "abort",
    [START_BATCH] = "start_batch",
    [RELEASE] = "release",
    [FREEZE_HEARTBEAT] = "freeze_heartbeat",
    [EMERGENCY_STOP] = "emergency_stop",
};

const char *const mixer_setpoint_names[SETPOINTS] = {
    [ANCHOR] = "mixer.anchor_sp",
    [JACKET] = "mixer.jacket_sp",
    [SOLVENT] = "mixer.solvent_sp",
};
