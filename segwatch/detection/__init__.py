"""Finding a change for the worse in a site's stream of studies: pure, without log, file or clock.

Shiryaev and Roberts' procedure over an unknown baseline. It weighs every rate of studies that need attention
that a site may have had, and every moment since when it may have risen (docs/detection.md). Source: Shiryaev
(1963); Roberts (1966); as a mixture over baselines and rises it is an e-detector (Shin, Ramdas and Rinaldo,
2023): while nothing changes, its evidence grows by one an observation on average.
"""
