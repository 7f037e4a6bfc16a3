// What the flags and gates of kube-controller-manager say of autoscaling.

export interface AutoscalerSettings {
  readonly concurrency: number;
  /** Each autoscaler is looked at this often. */
  readonly syncPeriodMs: number;
  /** For how long a higher recommendation holds off going down, where the autoscaler does not say. */
  readonly downscaleStabilizationMs: number;
  /** How far the ratio of what is to what is wanted may be from 1 before anything changes. */
  readonly tolerance: number;
  /** For so long after a pod's start what it uses of the processor counts only once it is ready and was measured since. */
  readonly cpuInitializationMs: number;
  /** A pod that became unready within this time of its start has never been ready. */
  readonly initialReadinessMs: number;
  /** HPAScaleToZero */
  readonly scaleToZero: boolean;
  /** HPAConfigurableTolerance */
  readonly configurableTolerance: boolean;
}
