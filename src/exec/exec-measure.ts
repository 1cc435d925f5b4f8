/** The measure of a run that recorded a command: a light module, for whoever lists runs. */
export const EXEC_MEASURE = 'exec';
