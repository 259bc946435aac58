"""The tissues that a virtual patient is made of."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Tissue"]


class Tissue(IntEnum):
    """One id per kind of tissue; what a reader calls a structure is made of several (``readers.py``)."""

    AIR = 0
    LUNG = 1
    LUNG_VESSEL = 2
    FAT = 3
    MUSCLE = 4
    SKIN = 5
    BONE = 6
    MARROW = 7
    CARTILAGE = 8
    SPINAL_CORD = 9
    AIRWAY = 10
    OESOPHAGUS = 11
    BLOOD_LV = 12
    BLOOD_RV = 13
    BLOOD_LA = 14
    BLOOD_RA = 15
    MYOCARDIUM = 16
    PAPILLARY_LV = 17
    TRABECULA_LV = 18
    WALL_RV = 19
    TRABECULA_RV = 20
    WALL_LA = 21
    WALL_RA = 22
    VALVE = 23
    EPICARDIAL_FAT = 24
    PERICARDIUM = 25
    AORTA_ASCENDING = 26
    AORTA_ARCH = 27
    AORTA_DESCENDING = 28
    WALL_VESSEL = 29
    PULMONARY_ARTERY = 30
    PULMONARY_VEIN = 31
    ATRIAL_APPENDAGE = 32
    VENA_CAVA_SUPERIOR = 33
    VENA_CAVA_INFERIOR = 34
    CORONARY = 35
    SCAR = 36
    NO_REFLOW = 37
    OEDEMA = 38
    SCAR_LA = 39
    LIVER = 40
    LIVER_VESSEL = 41
    LIVER_LESION = 42
    GALLBLADDER = 43
    SPLEEN = 44
    STOMACH_WALL = 45
    STOMACH_CONTENT = 46
    BOWEL = 47
    KIDNEY_CORTEX = 48
    KIDNEY_MEDULLA = 49
    PANCREAS = 50
    DISC = 51
    FLUID = 52
