"""What a general hospital's charts hold beside the tumour: codes, units and sentences."""

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
UCUM = "http://unitsofmeasure.org"
HL7 = "http://terminology.hl7.org/CodeSystem"

#: Code, name, unit, low and high.
LABS = (
    ("2339-0", "Glucose [Mass/volume] in Blood", "mg/dL", 65, 140),
    ("6299-2", "Urea nitrogen [Mass/volume] in Blood", "mg/dL", 7, 22),
    ("38483-4", "Creatinine [Mass/volume] in Blood", "mg/dL", 0.5, 1.6),
    ("49765-1", "Calcium [Mass/volume] in Blood", "mg/dL", 8.4, 10.3),
    ("2947-0", "Sodium [Moles/volume] in Blood", "mmol/L", 134, 146),
    ("6298-4", "Potassium [Moles/volume] in Blood", "mmol/L", 3.4, 5.3),
    ("2069-3", "Chloride [Moles/volume] in Blood", "mmol/L", 97, 108),
    ("20565-8", "Carbon dioxide, total [Moles/volume] in Blood", "mmol/L", 20, 30),
    ("1751-7", "Albumin [Mass/volume] in Serum or Plasma", "g/dL", 3.4, 5.2),
    ("1975-2", "Bilirubin.total [Mass/volume] in Serum or Plasma", "mg/dL", 0.1, 1.4),
    ("6768-6", "Alkaline phosphatase [Enzymatic activity/volume] in Serum", "U/L", 35, 130),
    ("1742-6", "Alanine aminotransferase [Enzymatic activity/volume] in Serum", "U/L", 6, 60),
    ("1920-8", "Aspartate aminotransferase [Enzymatic activity/volume]", "U/L", 8, 48),
    ("6690-2", "Leukocytes [#/volume] in Blood by Automated count", "10*3/uL", 3.2, 12),
    ("789-8", "Erythrocytes [#/volume] in Blood by Automated count", "10*6/uL", 3.7, 5.9),
    ("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 10.5, 17.5),
    ("4544-3", "Hematocrit [Volume Fraction] of Blood by Automated count", "%", 33, 51),
    ("777-3", "Platelets [#/volume] in Blood by Automated count", "10*3/uL", 130, 420),
    ("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "%", 4.6, 8.4),
    ("2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", "mg/dL", 120, 270),
    ("2571-8", "Triglycerides", "mg/dL", 50, 280),
    ("18262-6", "Low Density Lipoprotein Cholesterol", "mg/dL", 55, 190),
    ("2085-9", "High Density Lipoprotein Cholesterol", "mg/dL", 28, 80),
    ("33914-3", "Estimated Glomerular Filtration Rate", "mL/min/{1.73_m2}", 35, 115),
    ("3016-3", "Thyrotropin [Units/volume] in Serum or Plasma", "mIU/L", 0.3, 5.1),
    ("1988-5", "C reactive protein [Mass/volume] in Serum or Plasma", "mg/L", 0.2, 40),
    ("2532-0", "Lactate dehydrogenase [Enzymatic activity/volume] in Serum", "U/L", 110, 260),
    ("2276-4", "Ferritin [Mass/volume] in Serum or Plasma", "ng/mL", 12, 310),
)
VITALS = (
    ("8302-2", "Body Height", "cm", 150, 195),
    ("29463-7", "Body Weight", "kg", 48, 118),
    ("39156-5", "Body mass index (BMI) [Ratio]", "kg/m2", 18, 38),
    ("8867-4", "Heart rate", "/min", 52, 104),
    ("9279-1", "Respiratory rate", "/min", 11, 21),
    ("8310-5", "Body temperature", "Cel", 36.1, 38.2),
    ("2708-6", "Oxygen saturation in Arterial blood", "%", 92, 100),
    ("72514-3", "Pain severity - 0-10 verbal numeric rating [Score]", "{score}", 0, 8),
)
SURVEYS = (
    ("72166-2", "Tobacco smoking status", "266919005", "Never smoked tobacco"),
    ("72166-2", "Tobacco smoking status", "8517006", "Ex-smoker"),
    ("76690-7", "Sexual orientation", "20430005", "Heterosexual"),
    ("82810-3", "Pregnancy status", "60001007", "Not pregnant"),
)
#: SNOMED CT code, name, ICD-10-CM code.
PROBLEMS = (
    ("59621000", "Essential hypertension", "I10"),
    ("44054006", "Diabetes mellitus type 2", "E11.9"),
    ("55822004", "Hyperlipidemia", "E78.5"),
    ("195662009", "Acute viral pharyngitis", "J02.9"),
    ("444814009", "Viral sinusitis", "J01.90"),
    ("10509002", "Acute bronchitis", "J20.9"),
    ("239873007", "Osteoarthritis of knee", "M17.9"),
    ("271737000", "Anemia", "D64.9"),
    ("40055000", "Chronic sinusitis", "J32.9"),
    ("162864005", "Body mass index 30+ - obesity", "E66.9"),
    ("195967001", "Asthma", "J45.909"),
    ("49436004", "Atrial fibrillation", "I48.91"),
    ("370143000", "Major depressive disorder", "F32.9"),
    ("235595009", "Gastroesophageal reflux disease", "K21.9"),
    ("65966004", "Fracture of forearm", "S52.90XA"),
    ("44465007", "Sprain of ankle", "S93.409A"),
    ("431855005", "Chronic kidney disease stage 1", "N18.1"),
    ("64859006", "Osteoporosis", "M81.0"),
    ("201101007", "Actinic keratosis", "L57.0"),
    ("25499005", "Seborrheic keratosis", "L82.1"),
    ("43116000", "Eczema", "L30.9"),
    ("193462001", "Insomnia", "G47.00"),
)
PROCEDURES = (
    ("430193006", "Medication reconciliation"),
    ("710824005", "Assessment of health and social care needs"),
    ("171207006", "Depression screening"),
    ("73761001", "Colonoscopy"),
    ("399208008", "Plain chest X-ray"),
    ("24623002", "Screening mammography"),
    ("40701008", "Echocardiography"),
    ("29303009", "Electrocardiographic procedure"),
    ("127783003", "Spirometry"),
    ("180256009", "Subcutaneous immunotherapy"),
    ("82078001", "Collection of blood specimen for laboratory"),
    ("117015009", "Throat culture"),
    ("274474001", "Bone immobilization"),
    ("80146002", "Appendectomy"),
    ("85548006", "Episiotomy"),
    ("26604007", "Complete blood count"),
    ("252160004", "Standard pregnancy test"),
    ("413712001", "Intubation"),
)
VISITS = (
    ("162673000", "General examination of patient"),
    ("185345009", "Encounter for symptom"),
    ("185349003", "Encounter for check up"),
    ("390906007", "Follow-up encounter"),
    ("50849002", "Emergency room admission"),
    ("308335008", "Patient encounter procedure"),
)
ORDERS = (
    ("58410-2", "Complete blood count (hemogram) panel - Blood by Automated count"),
    ("51990-0", "Basic metabolic panel - Blood"),
    ("57698-3", "Lipid panel with direct LDL - Serum or Plasma"),
    ("24323-8", "Comprehensive metabolic 2000 panel - Serum or Plasma"),
    ("30746-2", "Portable XR Chest Views"),
)
RELATIVES = (("MTH", "mother"), ("FTH", "father"), ("SIS", "sister"), ("BRO", "brother"))
#: Category, code, name, and sentences from which a text is put together; {n} is a number.
REPORTS = (
    (
        "RAD",
        "30746-2",
        "Portable XR Chest Views",
        (
            "Heart size is normal with a cardiothoracic ratio of 0.{n}.",
            "The lungs are clear without focal consolidation or pleural effusion.",
            "No pneumothorax. Degenerative changes of the thoracic spine, {n} levels.",
            "Calcified granuloma of {n} mm in the right upper lobe, unchanged.",
            "Impression: no acute cardiopulmonary disease.",
        ),
    ),
    (
        "RAD",
        "24627-2",
        "CT Chest",
        (
            "Comparison: examination {n} months ago.",
            "No mediastinal or hilar lymphadenopathy by size criteria.",
            "Stable nodule of {n} mm in the left lower lobe, benign in appearance.",
            "Hepatic cyst of {n} mm, unchanged. Adrenal glands are unremarkable.",
            "Impression: no evidence of metastatic disease.",
        ),
    ),
    (
        "SP",
        "11526-1",
        "Pathology study",
        (
            "Specimen received in formalin: a skin ellipse of {n} x 9 x 4 mm.",
            "Sections show acanthosis with horn cysts and mild chronic inflammation.",
            "Diagnosis: seborrheic keratosis, irritated; completely removed.",
            "No dysplasia is seen in {n} levels.",
        ),
    ),
    (
        "LAB",
        "58410-2",
        "Complete blood count (hemogram) panel - Blood by Automated count",
        (),
    ),
    ("LAB", "51990-0", "Basic metabolic panel - Blood", ()),
)
PATHOLOGY = (
    "Specimen A: skin, {site}, excision. Received fresh, oriented with a suture at 12 o'clock.",
    "Gross: an ellipse of {n} x 28 x 15 mm with a central firm nodule.",
    "Microscopy: the dermis holds a poorly circumscribed proliferation of fascicles of cells.",
    "The cells are spindled with eosinophilic cytoplasm and blunt-ended nuclei.",
    "There are {n} mitoses per 10 high-power fields. No necrosis.",
    "Immunohistochemistry: positive for desmin, smooth muscle actin and h-caldesmon.",
    "S100, CD34 and cytokeratin AE1/AE3 are negative. Ki-67 is {n} %.",
    "No lymphovascular or perineural invasion is identified.",
)
